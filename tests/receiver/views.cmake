# What is shown of captures, and what lies on disk. In these tests memory can run out (given.h).
foreach(noun view text json_view load archive strict)
    receiver_test(${noun})
    target_link_options(test_receiver_${noun} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc)
endforeach()
