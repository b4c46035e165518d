/* Around the pieces of docs/testing-in-c.md. */
#include <otlpkit/cmocka.h>

void run_program_under_test(const char *endpoint);
void expect(otk_receiver *rx);
void recover(otk_receiver *rx);

void expect(otk_receiver *rx)
{
#include "1"
}

void recover(otk_receiver *rx)
{
#include "2"
}
