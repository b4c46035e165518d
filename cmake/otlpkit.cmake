# What every target here is built with: otlpkit_target(NAME) after add_library or add_executable.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)

set(OTLPKIT_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2)

if(OTLPKIT_SANITIZE)
    add_compile_options(-fsanitize=${OTLPKIT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${OTLPKIT_SANITIZE})
endif()

if(OTLPKIT_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_C_COMPILER_LAUNCHER)
    find_program(CCACHE ccache)
    if(CCACHE)
        set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
    endif()
endif()

function(otlpkit_target name)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE OTLPKIT_VERSION="${PROJECT_VERSION}")
    target_compile_options(${name} PRIVATE ${OTLPKIT_WARNINGS} $<$<BOOL:${OTLPKIT_WERROR}>:-Werror>)
endfunction()
