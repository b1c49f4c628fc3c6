/* What the terminal is like that stdout and stderr lead to. */
#ifndef LWCLI_TERMINAL_H
#define LWCLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

uint32_t lwcli_terminal_width(void); /* columns; 0: unknown, or no terminal */
bool lwcli_terminal_is_utf8(void);
bool lwcli_terminal_has_colour(void);

#endif
