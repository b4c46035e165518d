# Faults and what clients do then. In these tests memory can run out (given.h).
foreach(noun fault attempts)
    receiver_test(${noun})
    target_link_options(test_receiver_${noun} PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc)
endforeach()
receiver_test(fault_wire)
