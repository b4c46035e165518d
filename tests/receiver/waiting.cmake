# Waiting, reports and asserting.
foreach(noun complete measure expect)
    receiver_test(${noun})
    target_link_options(test_receiver_${noun} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc)
endforeach()
receiver_test(wait)
