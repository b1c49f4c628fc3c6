#if !defined(_WIN32)
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#endif
#include "terminal.h"

#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#if !defined(_WIN32)
#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#endif

#if defined(_WIN32)

uint32_t lwcli_terminal_width(void)
{
    return 0;
}

bool lwcli_terminal_is_utf8(void)
{
    return false;
}

bool lwcli_terminal_has_colour(void)
{
    return false;
}

lw_progress_fn lwcli_progress(void)
{
    return NULL;
}

void lwcli_progress_done(void)
{
}

#else

uint32_t lwcli_terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    long width = columns ? strtol(columns, NULL, 10) : 0;
    struct winsize size;
    if (width <= 0 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    return width > 0 && width < 10000 ? (uint32_t)width : 0;
}

/* As the environment has it: the program itself may live inside another that minds its locale. */
bool lwcli_terminal_is_utf8(void)
{
    locale_t mine = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (mine == (locale_t)0)
        return false;
    bool utf8 = strcmp(nl_langinfo_l(CODESET, mine), "UTF-8") == 0;
    freelocale(mine);
    return utf8;
}

bool lwcli_terminal_has_colour(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && terminal &&
           strcmp(terminal, "dumb") != 0;
}

static bool shown;

/* At most some times a second, and never for what is done at once. */
static int show(const char *phase, uint64_t done, uint64_t total, void *user)
{
    (void)user;
    static struct timespec last;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (last.tv_sec == 0)
        last = now;
    double since = (double)(now.tv_sec - last.tv_sec) + (double)(now.tv_nsec - last.tv_nsec) / 1e9;
    if (since < 0.2)
        return 0;
    last = now;
    shown = true;
    fprintf(stderr, "\r\033[Kleakwatch: %s", phase);
    if (total)
        fprintf(stderr, " %u %%", (unsigned)(100.0 * (double)done / (double)total));
    fflush(stderr);
    return 0;
}

lw_progress_fn lwcli_progress(void)
{
    return isatty(STDERR_FILENO) ? show : NULL;
}

void lwcli_progress_done(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}

#endif
