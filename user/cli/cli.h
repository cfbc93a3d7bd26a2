/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cli.h - the commands of wgxdp: one function a verb, in the file of its verb or noun, and the table they
 * stand in. They change a tunnel through its agent's socket, and touch data path and links only where
 * there may be no agent: attach, detach, down.
 */
#ifndef WGXDP_CLI_CLI_H
#define WGXDP_CLI_CLI_H

#include <cli/options.h>

/* `wgxdp agent`, and the program's other name */
int cli_agent(const struct arguments *arguments);
int cli_drop_in(const struct arguments *arguments);
int cli_attach(const struct arguments *arguments);
int cli_detach(const struct arguments *arguments);
int cli_doctor(const struct arguments *arguments);
int cli_down(const struct arguments *arguments);
int cli_genkey(const struct arguments *arguments);
int cli_genpsk(const struct arguments *arguments);
int cli_metrics(const struct arguments *arguments);
int cli_monitor(const struct arguments *arguments);
int cli_peer_add(const struct arguments *arguments);
int cli_peer_list(const struct arguments *arguments);
int cli_peer_qr(const struct arguments *arguments);
int cli_peer_remove(const struct arguments *arguments);
int cli_peer_set(const struct arguments *arguments);
int cli_pubkey(const struct arguments *arguments);
int cli_save(const struct arguments *arguments);
int cli_selftest(const struct arguments *arguments);
int cli_show(const struct arguments *arguments);
int cli_stats(const struct arguments *arguments);
int cli_strip(const struct arguments *arguments);
int cli_syncconf(const struct arguments *arguments);
int cli_top(const struct arguments *arguments);
int cli_up(const struct arguments *arguments);

/* The one list of commands; ends with one without name. */
extern const struct command commands[];

/* The program's other name, under which it starts as wireguard-go does: [-f] IFACE. */
extern const struct command drop_in_command;

/* ---- reference.c: the table for manual page and completion ---- */

void reference_print_man(void);
/* False: no shell that we know. */
bool reference_print_completion(const char *shell);

/* Finds the command that argv names, checks its words and runs it. Returns the exit status. */
int commands_run(int argc, char **argv);

#endif
