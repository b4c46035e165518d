# Waiting, reports and asserting.
foreach(noun complete measure expect expectations)
    receiver_test(${noun})
    target_link_options(test_receiver_${noun} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc)
endforeach()
receiver_test(wait)
receiver_test(report)

add_executable(cmocka_failing cmocka_failing.c)
target_link_libraries(cmocka_failing PRIVATE otlpkit-cmocka receiver-test)
otlpkit_target(cmocka_failing)
receiver_test(cmocka)
add_dependencies(test_receiver_cmocka cmocka_failing)
target_compile_definitions(test_receiver_cmocka PRIVATE OTLPKIT_CMOCKA_FAILING="$<TARGET_FILE:cmocka_failing>")

# What test tools read, read by readers of their kind.
add_executable(show_results show_results.c)
target_link_libraries(show_results PRIVATE receiver-test)
otlpkit_target(show_results)
otlpkit_script_test(receiver_results
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_results $<TARGET_FILE:show_results>)
