void run_checkout(const char *endpoint);

#include "1"
