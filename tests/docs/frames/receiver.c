void run_program_under_test(const char *endpoint);

#include "1"
