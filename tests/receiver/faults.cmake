# Faults and what clients do then.
receiver_test(fault)
target_link_options(test_receiver_fault PRIVATE LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc)
