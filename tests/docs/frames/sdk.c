#include "1"
