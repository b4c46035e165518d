# What the pages of the HTTP face say. In these tests memory can run out (given.h).
foreach(noun arguments json_item pages)
    receiver_test(${noun})
    target_link_options(test_receiver_${noun} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc)
endforeach()
target_link_options(test_receiver_pages PRIVATE LINKER:--wrap=otk_now_ns)
