# What `cmake --install` puts where: libraries, headers, the command, manual pages, a CMake package and pkg-config files.

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/otlpkit)
set(libraries otlpkit-receiver otlpkit-sdk)

# Before 1.0 a minor version may change the ABI, so it is part of the soname.
set_target_properties(${libraries} PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set_target_properties(otlpkit PROPERTIES EXPORT_NAME command INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set_target_properties(otlpkit-receiver PROPERTIES EXPORT_NAME receiver)
set_target_properties(otlpkit-sdk PROPERTIES EXPORT_NAME sdk)
set_target_properties(otlpkit-proto PROPERTIES EXPORT_NAME proto)
if(NOT BUILD_SHARED_LIBS)
    list(APPEND libraries otlpkit-proto)
endif()

install(TARGETS otlpkit ${libraries} EXPORT otlpkit-targets)
install(DIRECTORY proto/include/ sdk/include/ receiver/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

install(FILES docs/man/otlpkit.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/otlpkit-receiver.3 docs/man/otlpkit-sdk.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)

install(EXPORT otlpkit-targets NAMESPACE otlpkit:: DESTINATION ${package})
# An export of its own: who has no cmocka still finds the rest.
if(TARGET otlpkit-cmocka)
    set_target_properties(otlpkit-cmocka PROPERTIES EXPORT_NAME cmocka INSTALL_RPATH "$ORIGIN"
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    install(TARGETS otlpkit-cmocka EXPORT otlpkit-cmocka-targets)
    install(EXPORT otlpkit-cmocka-targets NAMESPACE otlpkit:: DESTINATION ${package})
endif()
configure_package_config_file(cmake/otlpkit-config.cmake.in otlpkit-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(otlpkit-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/otlpkit-config.cmake ${PROJECT_BINARY_DIR}/otlpkit-config-version.cmake
    DESTINATION ${package})

# A program that links a shared library needs nothing but it; one that links the static library needs all below it,
# and should not have to know that it must say --static.
function(install_pkgconfig name part requires)
    set(PC_NAME ${name})
    set(PC_DESCRIPTION "${PROJECT_DESCRIPTION}: the ${part}")
    file(RELATIVE_PATH PC_UP ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
    string(REGEX REPLACE "/$" "" PC_UP "${PC_UP}")
    cmake_path(APPEND PC_LIBDIR "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
    cmake_path(APPEND PC_INCLUDEDIR "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
    set(PC_LIBS "-l${name}")
    set(PC_REQUIRES ${ARGN})
    if(NOT BUILD_SHARED_LIBS)
        string(APPEND PC_LIBS " -lotlpkit-proto -pthread -lm")
        set(PC_REQUIRES ${requires})
    endif()
    configure_file(cmake/otlpkit.pc.in ${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

install_pkgconfig(otlpkit-receiver receiver "libmicrohttpd, jansson, libzstd, libpcre2-8, zlib, libprotobuf-c")
if(TARGET otlpkit-cmocka)
    install_pkgconfig(otlpkit-cmocka "asserts for cmocka" "cmocka, otlpkit-receiver" "cmocka, otlpkit-receiver")
endif()
install_pkgconfig(otlpkit-sdk SDK "libcurl, zlib, libprotobuf-c")
