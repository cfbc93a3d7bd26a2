// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * doctor.c - `wgxdp doctor`: looks at the host, at an interface or those that tunnels receive on, and at the
 * firewall for their ports; says what to do. Changes nothing. Status 1 when something must be done.
 */
#include <cli/cli.h>
#include <cli/doctor.h>
#include <cli/show.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* netlink_add_tunnel() makes them so */
#define TUNNEL_MTU_DEFAULT 1420

struct finding *finding_add(struct findings *findings, const char *check, const char *subject)
{
	struct finding *finding =
		&findings->list[findings->count < FINDINGS_MAX ? findings->count++
							       : FINDINGS_MAX - 1];

	*finding = (struct finding){.check = check};
	snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
	return finding;
}

void finding_advise(struct finding *finding, enum finding_state state, const char *format, ...)
{
	va_list values;

	finding->state = state;
	va_start(values, format);
	vsnprintf(finding->advice, sizeof(finding->advice), format, values);
	va_end(values);
}

/* ---- looking ------------------------------------------------------------------------------------- */

static uint32_t mtu_of(const char *interface)
{
	struct hardware hardware;

	return hardware_read(&hardware, interface) ? 0 : hardware.mtu;
}

/* Of those that are in this namespace, or what a new one gets. */
static uint32_t largest_mtu(const struct shown_list *tunnels)
{
	uint32_t largest = 0;

	for (size_t i = 0; i < tunnels->count; i++) {
		uint32_t mtu = mtu_of(tunnels->tunnels[i].name);

		if (mtu > largest)
			largest = mtu;
	}
	return largest ?: TUNNEL_MTU_DEFAULT;
}

static int look_at_interface(struct findings *findings, const char *name, uint32_t tunnel_mtu)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct hardware hardware;
	int error = hardware_read(&hardware, name);

	if (!error)
		doctor_interface(findings, &hardware, cpus > 0 ? (unsigned int)cpus : 1,
				 tunnel_mtu);
	return error;
}

static bool was_looked_at(const struct findings *findings, const char *interface)
{
	for (size_t i = 0; i < findings->count; i++) {
		if (strcmp(findings->list[i].subject, interface) == 0)
			return true;
	}
	return false;
}

/* Interfaces that tunnels receive on. */
static void look_at_used(struct findings *findings, const struct shown_list *tunnels)
{
	for (size_t i = 0; i < tunnels->count; i++) {
		const struct device_config *config = &tunnels->tunnels[i].config;

		for (size_t j = 0; j < config->interface_count; j++) {
			if (!was_looked_at(findings, config->interfaces[j].name))
				look_at_interface(findings, config->interfaces[j].name,
						  largest_mtu(tunnels));
		}
	}
}

static void look_at_tunnels(struct findings *findings, const struct shown_list *tunnels,
			    const char *interface)
{
	for (size_t i = 0; i < tunnels->count; i++) {
		const struct shown_tunnel *tunnel = &tunnels->tunnels[i];
		struct finding *agent = finding_add(findings, "agent", tunnel->name);

		if (tunnel->error) {
			snprintf(agent->found, sizeof(agent->found), "does not answer: %s",
				 strerror(-tunnel->error));
			finding_advise(agent, FINDING_BAD,
				       "wgxdp attach IFACE --tunnel %s starts it again",
				       tunnel->name);
			continue;
		}
		snprintf(agent->found, sizeof(agent->found), "answers");
		if (tunnel->config.interface_count == 0)
			finding_advise(
				agent, FINDING_ADVICE,
				"wgxdp attach IFACE --tunnel %s: it receives on no interface, so "
				"every packet takes the slow way",
				tunnel->name);
		doctor_firewall(findings, tunnel->name, tunnel->config.listen_port, interface);
	}
}

/* ---- printing ------------------------------------------------------------------------------------ */

static const char *const state_names[] = {
	[FINDING_GOOD] = "good",
	[FINDING_ADVICE] = "advice",
	[FINDING_BAD] = "bad",
	[FINDING_UNKNOWN] = "unknown",
};

static void print_text(const struct findings *findings)
{
	const struct colors *colors = colors_for(stdout);
	const char *const state_colors[] = {
		[FINDING_GOOD] = colors->green,
		[FINDING_ADVICE] = colors->yellow,
		[FINDING_BAD] = colors->red,
		[FINDING_UNKNOWN] = colors->cyan,
	};

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		printf("%s%-7s%s  %-10s %-12s %s\n", state_colors[finding->state],
		       state_names[finding->state], colors->reset, finding->check, finding->subject,
		       finding->found);
		if (finding->advice[0])
			printf("%33s-> %s\n", "", finding->advice);
	}
}

static bool print_json(const struct findings *findings, bool is_healthy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		json_append(&list, json_pack("{s:s, s:o, s:s, s:s, s:o}", "check", finding->check,
					     "subject", json_of_name(finding->subject), "state",
					     state_names[finding->state], "found", finding->found,
					     "advice", json_of_name(finding->advice)));
	}
	return json_print(stdout, json_pack("{s:b, s:o}", "healthy", is_healthy, "findings", list));
}

static bool is_healthy(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		if (findings->list[i].state == FINDING_BAD)
			return false;
	}
	return true;
}

int cli_doctor(const struct arguments *arguments)
{
	const char *interface = arguments->operands[0];
	static struct findings findings;
	struct shown_list tunnels;
	int error = interface && !if_nametoindex(interface) ? -ENODEV : 0;
	bool good;

	if (!error)
		error = shown_ask(&tunnels, NULL);
	if (error) {
		complain(arguments, "%s%s%s", interface ?: "", interface ? ": " : "",
			 error == -ENODEV ? "there is no such interface in this network namespace"
					  : strerror(-error));
		return EXIT_FAILURE;
	}
	doctor_host(&findings);
	if (interface)
		look_at_interface(&findings, interface, largest_mtu(&tunnels));
	else
		look_at_used(&findings, &tunnels);
	look_at_tunnels(&findings, &tunnels, interface);
	shown_free(&tunnels);
	good = is_healthy(&findings);
	if (option_value(arguments, "json", 0))
		good &= print_json(&findings, good);
	else
		print_text(&findings);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
