# The CMakeLists.txt of someone who uses the installed package, or has the project inside of their own; copied beside
# consumer.c by the script `run`.
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C CXX)

if(OTLPKIT_SOURCE)
    include(FetchContent)
    FetchContent_Declare(otlpkit SOURCE_DIR ${OTLPKIT_SOURCE})
    FetchContent_MakeAvailable(otlpkit)
else()
    find_package(otlpkit 0.1 REQUIRED COMPONENTS command receiver sdk cmocka)
endif()

add_executable(consumer-c consumer.c)
set_target_properties(consumer-c PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)

configure_file(consumer.c consumer.cpp COPYONLY)
add_executable(consumer-cpp ${PROJECT_BINARY_DIR}/consumer.cpp)
set_target_properties(consumer-cpp PROPERTIES CXX_STANDARD 17 CXX_EXTENSIONS OFF)

add_executable(consumer-raii consumer_raii.cpp)
set_target_properties(consumer-raii PROPERTIES CXX_STANDARD 17 CXX_EXTENSIONS OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
foreach(program consumer-c consumer-cpp consumer-raii)
    target_link_libraries(${program} PRIVATE otlpkit::receiver otlpkit::sdk)
endforeach()

# Asserts: for cmocka, which speaks C.
add_executable(consumer-cmocka consumer_cmocka.c)
set_target_properties(consumer-cmocka PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
target_link_libraries(consumer-cmocka PRIVATE otlpkit::cmocka otlpkit::sdk)

enable_testing()
add_test(NAME command COMMAND otlpkit::command --version)
