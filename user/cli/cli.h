/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cli.h - the commands of wgxdp: one function a verb, in a file of its name. Each gets the words after
 * its name and returns the exit status; what is wrong it says in one line on stderr.
 */
#ifndef WGXDP_CLI_CLI_H
#define WGXDP_CLI_CLI_H

int cli_selftest(int argc, char **argv);

#endif
