/* The whole `leakwatch` command as a function, for hosts that bring it along. */
#ifndef LWCLI_COMMAND_H
#define LWCLI_COMMAND_H

/* Runs a command line, without the program's own name in front; returns what the shell is to be
 * told. Reads files, writes to stdout and stderr. */
int lwcli_main(int count, char **words);

#endif
