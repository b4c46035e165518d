# The selector, from text to what it selects. In these tests memory can run out (given.h).
foreach(noun selector match query selection)
    receiver_test(${noun})
    target_link_options(test_receiver_${noun} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc)
endforeach()
