/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * quick.h - what up, down, save, strip and syncconf share, which do with a tunnel's file what wg-quick(8) does:
 * the file, what was done for it, and the programs that are run for it. What is wrong each says in one line.
 */
#ifndef WGXDP_CLI_QUICK_H
#define WGXDP_CLI_QUICK_H

#include <cli/conf.h>
#include <cli/options.h>
#include <limits.h>

/* ---- quick_file.c: a tunnel's file --------------------------------------------------------------- */

/* Where NAME.conf is looked for. */
#define QUICK_DIRECTORY "/etc/wireguard"
/* The operand of the commands, as their help writes it. */
#define QUICK_OPERAND "NAME|FILE"

struct quick_file {
	char path[PATH_MAX];
	/* the tunnel's: the file's without ".conf" */
	char name[16];
	struct conf conf;
};

/* Name and path from "wg0", which is /etc/wireguard/wg0.conf, or from "./wg0.conf". */
bool quick_find(const struct arguments *arguments, const char *operand, struct quick_file *file);
/* These, and what stands in the file. */
bool quick_read(const struct arguments *arguments, const char *operand, struct quick_file *file);
/* Writes the tunnel as it is into its file; save.c. */
bool quick_save(const struct arguments *arguments, const char *path, const char *name);
/* Makes the tunnel what its file says; save.c. */
bool quick_synchronize(const struct arguments *arguments, const struct quick_file *file);
/* Replaces the file by a new one, mode 0600: whole or not at all. */
bool quick_write(const struct arguments *arguments, const char *path, const struct conf *conf);

/* ---- quick_record.c: what up did, for down ------------------------------------------------------- */

struct quick_record {
	char path[PATH_MAX];
	bool saves_itself;
	bool has_dns, has_firewall;
	/* of the rules for default routes, which `families` have; 0: none */
	uint32_t mark;
	bool has_ipv4_rules, has_ipv6_rules;
	struct conf_list pre_down, post_down;
};

/* Beside the agent's files. 0 or -errno. */
int quick_record_write(const char *name, const struct quick_record *record);
/* -ENOENT: the tunnel was not brought up by a file. */
int quick_record_read(const char *name, struct quick_record *record);
void quick_record_free(struct quick_record *record);

/* ---- quick_run.c: programs ----------------------------------------------------------------------- */

/* Whether there is such a program. */
bool quick_has_program(const char *name);
/* Runs one with `input` on its stdin (NULL: nothing) and says so. False when it failed, which is said too. */
bool quick_run(const struct arguments *arguments, const char *const *argv, const char *input);
/* Runs each as a shell does, "%i" replaced by the tunnel's name; ends with the first that fails. */
bool quick_run_hooks(const struct arguments *arguments, enum conf_hook hook,
		     const struct conf_list *commands, const char *name);

/* ---- quick_host.c: DNS, firewall, routing of everything ------------------------------------------ */

/* The programs that the file needs are there; asked before anything is changed. */
bool quick_check_programs(const struct arguments *arguments, const struct conf *conf);
/* A default route by the table of its own? */
bool quick_takes_everything(const struct conf *conf, enum address_family family);

struct host;

bool quick_set_dns(const struct arguments *arguments, const char *name, const struct conf *conf);
bool quick_unset_dns(const struct arguments *arguments, const char *name);
/* Drops what comes by another way for the tunnel's addresses, and keeps the mark of its own packets. */
bool quick_set_firewall(const struct arguments *arguments, const char *name,
			const struct conf *conf, const struct quick_record *record);
bool quick_remove_firewall(const struct arguments *arguments, const char *name,
			   const struct quick_record *record);
bool quick_add_rules(const struct arguments *arguments, const struct host *host,
		     const struct quick_record *record);
void quick_remove_rules(const struct host *host, const struct quick_record *record);

/* Undoes what the record says but for the tunnel itself; says what cannot be. */
bool quick_undo(const struct arguments *arguments, const struct host *host, const char *name,
		const struct quick_record *record);

#endif
