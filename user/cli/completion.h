/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * completion.h - the table of commands in the words of each shell that completes command lines from it. What a value or
 * an operand can be (an interface, a tunnel, a file) goes by what the help calls it: IFACE, NAME, FILE.
 */
#ifndef WGXDP_CLI_COMPLETION_H
#define WGXDP_CLI_COMPLETION_H

void completion_print_bash(void);
void completion_print_zsh(void);
void completion_print_fish(void);

#endif
