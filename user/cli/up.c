// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * up.c - `wgxdp up`: a tunnel from its file, as `wg-quick up` makes it: interface, keys and peers, addresses, MTU, DNS,
 * routes, hooks. The agent receives where the routes are (agent/follow.c).
 *
 * What can be refused is asked for before anything is touched; when a later step fails, all before it is undone. Of a
 * tunnel whose agent was killed only that is started anew, so that its packets go on.
 */
#include <agent/agent.h>
#include <agent/resolve.h>
#include <cli/cli.h>
#include <cli/environment.h>
#include <cli/notify.h>
#include <cli/quick.h>
#include <cli/tunnel.h>
#include <crypto/crypto.h>
#include <datapath/netlink_policy.h>
#include <util/encoding.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* outer headers, the message's and its tag, over IPv6 */
	TUNNEL_OVERHEAD = 80,
	MTU_USUAL = 1500,
	MTU_LEAST = 576,
	/* the first table, and mark, for default routes; the next when it is in use */
	EVERYTHING_TABLE = 51820,
	EVERYTHING_TABLES = 1000,
};

struct up {
	const struct arguments *arguments;
	struct quick_file file;
	struct quick_record record;
	struct host host;
	struct link_info link;
	/* of all routes but default ones */
	uint32_t table;
	bool made_pair;
};

/* ---- before anything is touched ------------------------------------------------------------------ */

static bool table_from_file(const char *path, const char *wanted, uint32_t *table)
{
	FILE *from = fopen(path, "re");
	char line[256], name[64];
	bool found = false;
	unsigned int number;

	while (from && !found && fgets(line, sizeof(line), from)) {
		if (sscanf(line, "%i %63s", (int *)&number, name) == 2 && !strcmp(name, wanted)) {
			*table = number;
			found = true;
		}
	}
	if (from)
		fclose(from);
	return found;
}

static bool find_table(struct up *up)
{
	const char *name = up->file.conf.table_name;
	uint64_t number = 0;

	up->table = ROUTE_TABLE_MAIN;
	if (up->file.conf.table != TABLE_NAMED || !strcmp(name, "main"))
		return true;
	if (number_from_text(&number, name, UINT32_MAX) && number > 0) {
		up->table = (uint32_t)number;
		return true;
	}
	if (table_from_file("/etc/iproute2/rt_tables", name, &up->table) ||
	    table_from_file("/usr/share/iproute2/rt_tables", name, &up->table))
		return true;
	complain(up->arguments,
		 "%s: Table '%s': expected auto, off, a number, or a name of "
		 "/etc/iproute2/rt_tables",
		 up->file.path, name);
	return false;
}

/* At boot the resolver may not be there yet. */
static void resolve_endpoints(struct up *up)
{
	struct device_config *device = &up->file.conf.device;

	for (size_t i = 0; i < device->peer_count; i++) {
		struct peer_config *peer = &device->peers[i];
		const char *why;

		if (!*peer->endpoint_name)
			continue;
		peer->has_endpoint = resolve_endpoint(peer->endpoint_name, &peer->endpoint, &why);
		if (!peer->has_endpoint)
			complain(
				up->arguments,
				"warning: '%s' cannot be resolved now: %s: the agent will try again",
				peer->endpoint_name, why);
	}
}

static bool name_is_free(const struct up *up)
{
	const char *name = up->file.name;
	int fd = tunnel_connect(name);

	if (fd >= 0)
		close(fd);
	if (fd == -EXDEV) {
		tunnel_complain(up->arguments, name, fd);
		return false;
	}
	if (!if_nametoindex(name) && !tunnel_exists(name))
		return true;
	complain(
		up->arguments,
		tunnel_exists(name)
			? "%s is up already: 'wgxdp syncconf' reads its file anew, 'wgxdp down' removes it"
			: "there is an interface %s that is not ours: expected another name",
		name);
	return false;
}

/* ---- the steps ----------------------------------------------------------------------------------- */

static bool fail(const struct up *up, const char *what, int error)
{
	complain(up->arguments, "%s: %s: %s", up->file.name, what, strerror(-error));
	return false;
}

static bool make_pair(struct up *up)
{
	int error = netlink_add_tunnel(up->host.netlink, up->file.name);

	if (!error) {
		up->made_pair = true;
		error = netlink_get_link(up->host.netlink, up->file.name, &up->link);
	}
	return !error || fail(up, "the interface cannot be made", error);
}

static bool start_agent(struct up *up)
{
	return tunnel_start_agent(up->arguments, &up->host, up->file.name,
				  &(struct agent_options){.follows_routes = true});
}

/* A mark for what must not go into the tunnel, and the table of the same number. */
static bool choose_mark(struct up *up)
{
	struct device_config *device = &up->file.conf.device;
	struct quick_record *record = &up->record;
	bool is_empty = false;
	int error = 0;

	record->has_ipv4_rules = quick_takes_everything(&up->file.conf, FAMILY_IPV4);
	record->has_ipv6_rules = quick_takes_everything(&up->file.conf, FAMILY_IPV6);
	if (!record->has_ipv4_rules && !record->has_ipv6_rules)
		return true;
	record->mark = device->fwmark;
	for (uint32_t i = 0; !record->mark && !error && i < EVERYTHING_TABLES; i++) {
		error = netlink_is_table_empty(up->host.netlink, EVERYTHING_TABLE + i, &is_empty);
		if (!error && is_empty)
			record->mark = EVERYTHING_TABLE + i;
	}
	if (!record->mark)
		return fail(up, "no table for its default route", error ? error : -ENOSPC);
	device->has_fwmark = true;
	device->fwmark = record->mark;
	return true;
}

static bool configure(struct up *up)
{
	int fd = tunnel_connect_or_complain(up->arguments, up->file.name), error;

	if (fd < 0)
		return false;
	error = uapi_set(fd, &up->file.conf.device);
	close(fd);
	if (error == -EADDRINUSE)
		complain(up->arguments, "UDP port %u is in use: expected another ListenPort",
			 up->file.conf.device.listen_port);
	else if (error)
		tunnel_complain(up->arguments, up->file.name, error);
	return !error;
}

static bool add_addresses(struct up *up)
{
	const struct conf *conf = &up->file.conf;

	for (size_t i = 0; i < conf->address_count; i++) {
		const struct allowed_ip *address = &conf->addresses[i];
		char text[ADDRESS_TEXT_LENGTH];
		int error = netlink_add_address(up->host.netlink, up->link.ifindex, address->family,
						address->address, address->prefix_length);

		if (error) {
			address_to_text(text, address->family, address->address);
			complain(up->arguments, "%s: address %s/%u cannot be set: %s",
				 up->file.name, text, address->prefix_length, strerror(-error));
			return false;
		}
	}
	return true;
}

struct mtu_search {
	struct netlink *netlink;
	uint32_t largest;
};

static void look_at_default_route(void *context, int ifindex)
{
	struct mtu_search *search = context;
	struct link_info link;

	if (!netlink_get_link_by_index(search->netlink, ifindex, &link) &&
	    link.mtu > search->largest)
		search->largest = link.mtu;
}

/* Of the ways to the peers the one that takes the most, or else of the default routes. */
static uint32_t outer_mtu(const struct up *up)
{
	const struct device_config *device = &up->file.conf.device;
	struct mtu_search search = {.netlink = up->host.netlink};

	for (size_t i = 0; i < device->peer_count; i++) {
		const struct endpoint *endpoint = &device->peers[i].endpoint;
		struct route_info route;

		if (device->peers[i].has_endpoint &&
		    !netlink_get_route(search.netlink, endpoint->family, endpoint->address, NULL, 0,
				       &route) &&
		    route.mtu > search.largest)
			search.largest = route.mtu;
	}
	if (!search.largest)
		netlink_for_each_default_route(search.netlink, look_at_default_route, &search);
	return search.largest ? search.largest : MTU_USUAL;
}

static bool set_mtu_and_up(struct up *up)
{
	uint32_t mtu = up->file.conf.mtu;
	int error;

	if (!mtu) {
		mtu = outer_mtu(up);
		/* loopback's and jumbo frames are more than a tunnel's packets may be */
		if (mtu > MTU_USUAL * 6)
			mtu = MTU_USUAL;
		mtu = mtu < MTU_LEAST + TUNNEL_OVERHEAD ? MTU_LEAST : mtu - TUNNEL_OVERHEAD;
	}
	error = netlink_set_mtu(up->host.netlink, up->link.ifindex, mtu);
	if (error)
		return fail(up, "its MTU cannot be set", error);
	error = host_set_up(&up->host, up->file.name, up->link.ifindex);
	return !error || fail(up, "it cannot be set up", error);
}

/* From here on `down` knows what to undo. */
static bool write_record(struct up *up)
{
	const struct conf *conf = &up->file.conf;
	struct quick_record *record = &up->record;
	int error;

	snprintf(record->path, sizeof(record->path), "%s", up->file.path);
	record->saves_itself = conf->saves_itself;
	record->has_dns = conf->dns_servers.count + conf->dns_domains.count > 0;
	record->has_firewall = record->mark != 0;
	/* lent: they are the file's */
	record->pre_down = conf->hooks[HOOK_PRE_DOWN];
	record->post_down = conf->hooks[HOOK_POST_DOWN];
	error = quick_record_write(up->file.name, record);
	return !error || fail(up, "no record of it can be written", error);
}

static bool set_dns(struct up *up)
{
	return !up->record.has_dns || quick_set_dns(up->arguments, up->file.name, &up->file.conf);
}

/* ---- routes -------------------------------------------------------------------------------------- */

static bool contains(const struct allowed_ip *outer, const struct allowed_ip *inner)
{
	unsigned int whole = outer->prefix_length / 8, rest = outer->prefix_length % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return outer->family == inner->family && outer->prefix_length <= inner->prefix_length &&
	       !memcmp(outer->address, inner->address, whole) &&
	       (!rest || !((outer->address[whole] ^ inner->address[whole]) & mask));
}

/* By the network of one of the tunnel's own addresses. */
static bool has_route_already(const struct up *up, const struct allowed_ip *prefix)
{
	const struct conf *conf = &up->file.conf;

	for (size_t i = 0; i < conf->address_count; i++) {
		const struct allowed_ip *address = &conf->addresses[i];

		if (address->prefix_length < (address->family == FAMILY_IPV4 ? 32 : 128) &&
		    contains(address, prefix))
			return true;
	}
	return false;
}

/* Two peers may be given one prefix; the later has it, and it needs one route. */
static unsigned int times_wanted(const struct up *up, const struct allowed_ip *prefix)
{
	const struct device_config *device = &up->file.conf.device;
	unsigned int times = 0;

	for (size_t i = 0; i < device->peer_count; i++) {
		for (size_t j = 0; j < device->peers[i].allowed_ip_count; j++) {
			const struct allowed_ip *other = &device->peers[i].allowed_ips[j];

			times += other->prefix_length == prefix->prefix_length &&
				 contains(other, prefix);
		}
	}
	return times;
}

static bool add_route(struct up *up, const struct allowed_ip *prefix)
{
	bool is_auto = up->file.conf.table == TABLE_AUTO;
	bool is_default = is_auto && prefix->prefix_length == 0;
	struct route route = {
		.family = prefix->family,
		.prefix_length = prefix->prefix_length,
		.ifindex = up->link.ifindex,
		.table = is_default ? up->record.mark : up->table,
	};
	char text[ADDRESS_TEXT_LENGTH];
	int error;

	if (is_auto && !is_default && has_route_already(up, prefix))
		return true;
	memcpy(route.address, prefix->address, sizeof(route.address));
	error = netlink_add_route(up->host.netlink, &route);
	if (!error || (error == -EEXIST && times_wanted(up, prefix) > 1))
		return true;
	address_to_text(text, prefix->family, prefix->address);
	complain(up->arguments, "%s: the route to %s/%u cannot be made: %s", up->file.name, text,
		 prefix->prefix_length, strerror(-error));
	return false;
}

static bool add_routes(struct up *up)
{
	const struct device_config *device = &up->file.conf.device;

	if (up->file.conf.table == TABLE_OFF)
		return true;
	for (size_t i = 0; i < device->peer_count; i++) {
		for (size_t j = 0; j < device->peers[i].allowed_ip_count; j++) {
			if (!add_route(up, &device->peers[i].allowed_ips[j]))
				return false;
		}
	}
	return !up->record.mark ||
	       (quick_add_rules(up->arguments, &up->host, &up->record) &&
		quick_set_firewall(up->arguments, up->file.name, &up->file.conf, &up->record));
}

/* ---- all of it ----------------------------------------------------------------------------------- */

static void undo(struct up *up)
{
	struct quick_record record;

	/* without a record there was nothing yet that it would tell of */
	if (!quick_record_read(up->file.name, &record)) {
		quick_undo(up->arguments, &up->host, up->file.name, &record);
		quick_record_free(&record);
	}
	if (up->made_pair)
		host_remove_tunnel(&up->host, up->file.name);
	host_remove_unused(&up->host);
}

static bool carry_out(struct up *up)
{
	static bool (*const steps[])(struct up *up) = {
		make_pair,      start_agent,  choose_mark, configure,  add_addresses,
		set_mtu_and_up, write_record, set_dns,     add_routes,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!steps[i](up)) {
			undo(up);
			return false;
		}
	}
	return true;
}

/* Hooks run without the lock: they may attach, and look. */
static bool run(struct up *up)
{
	const struct arguments *arguments = up->arguments;
	const struct conf *conf = &up->file.conf;
	bool good =
		quick_run_hooks(arguments, HOOK_PRE_UP, &conf->hooks[HOOK_PRE_UP], up->file.name) &&
		host_make(arguments, &up->host, &conf->limits);

	if (!good)
		return false;
	good = name_is_free(up) && carry_out(up);
	if (!good)
		host_remove_unused(&up->host);
	host_close(&up->host);
	if (!good)
		return false;
	good = quick_run_hooks(arguments, HOOK_POST_UP, &conf->hooks[HOOK_POST_UP], up->file.name);
	if (!good && host_open(arguments, &up->host, HOST_USES)) {
		undo(up);
		host_close(&up->host);
	}
	return good;
}

/* Its agent was killed, all else is as `up` left it. */
static bool lacks_only_its_agent(const struct up *up)
{
	struct quick_record record;

	if (!tunnel_exists(up->file.name) || agent_pid(up->file.name) > 0 ||
	    quick_record_read(up->file.name, &record))
		return false;
	quick_record_free(&record);
	return true;
}

static bool resume(struct up *up)
{
	bool good = host_open(up->arguments, &up->host, HOST_MAKES);

	if (!good)
		return false;
	good = start_agent(up);
	host_close(&up->host);
	return good && quick_synchronize(up->arguments, &up->file);
}

static bool bring_up(struct up *up)
{
	const struct arguments *arguments = up->arguments;

	if (lacks_only_its_agent(up))
		return resume(up);
	if (!quick_check_programs(arguments, &up->file.conf) || !find_table(up) ||
	    !name_is_free(up) || !tunnel_can_be_bound(arguments, &up->file.conf.device))
		return false;
	resolve_endpoints(up);
	return run(up);
}

int cli_up(const struct arguments *arguments)
{
	struct up up = {.arguments = arguments, .host.lock = -1};
	bool good = quick_read(arguments, arguments->operands[0], &up.file);

	if (!good)
		return EXIT_FAILURE;
	good = environment_can_load(arguments) && bring_up(&up);
	if (good) {
		printf("%s: up, as %s says\n", up.file.name, up.file.path);
		notify_ready(agent_pid(up.file.name));
	}
	conf_free(&up.file.conf);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
