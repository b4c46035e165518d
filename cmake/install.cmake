install(FILES proto/include/otlpkit/otlp.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/otlpkit)
