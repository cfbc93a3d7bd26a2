/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * show.h - the ways tunnels are printed. None prints a secret key. The JSON is described in user/cli/json.md.
 */
#ifndef WGXDP_CLI_SHOW_H
#define WGXDP_CLI_SHOW_H

#include <cli/colors.h>
#include <cli/shown.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

/* As wg(8) writes it, for people; `now` is the wall clock. */
void show_text(FILE *to, const struct colors *colors, const struct shown_tunnel *tunnel,
	       time_t now);
/* One document for all; false without memory. */
bool show_json(FILE *to, const struct shown_list *list);

/* Every verdict that is not zero, with its meaning, tunnel by tunnel and peer by peer. */
void stats_text(FILE *to, const struct colors *colors, const struct shown_list *list);
bool stats_json(FILE *to, const struct shown_list *list);

/* ---- what the JSON is made of; NULL without memory ---- */

/* Appends, and the list becomes NULL when it lacks one of its values, so that what it is put into fails too. */
void json_append(json_t **list, json_t *value);
json_t *json_of_key(const uint8_t key[static 32]);
/* Null when it is empty. */
json_t *json_of_name(const char *name);
/* A peer as `show` and `peer list` have it. */
json_t *json_of_peer(const struct peer_config *peer);
/* {"tunnels": [...]}, each made by `each`, or of its name and its error. */
json_t *json_of_tunnels(const struct shown_list *list,
			json_t *(*each)(const struct shown_tunnel *tunnel));
/* Prints and frees it, with a line's end. */
bool json_print(FILE *to, json_t *document);

#endif
