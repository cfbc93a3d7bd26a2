// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* hardware.c - questions to the kernel about an interface. Contract: hardware.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <datapath/hardware.h>
#include <datapath/netlink_request.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* linux/netdev.h, which Debian 12 has not yet */
enum netdev_family {
	NETDEV_DEV_GET = 1,
	NETDEV_DEV_IFINDEX = 1,
	NETDEV_DEV_XDP_FEATURES = 3,
	NETDEV_FEATURE_BASIC = 1 << 0,
	NETDEV_FEATURE_REDIRECT = 1 << 1,
};

static int ask_name(int fd, const char *name, unsigned long what, struct ifreq *request)
{
	*request = (struct ifreq){0};
	strncpy(request->ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, what, request) < 0 ? -errno : 0;
}

/* ---- ethtool ------------------------------------------------------------------------------------- */

static int ethtool(int fd, const char *name, void *command)
{
	struct ifreq request = {.ifr_data = command};

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static enum hardware_answer answer(bool yes)
{
	return yes ? HARDWARE_YES : HARDWARE_NO;
}

static void read_driver(struct hardware *hardware, int fd)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	if (ethtool(fd, hardware->name, &info))
		return;
	memcpy(hardware->driver, info.driver, sizeof(hardware->driver) - 1);
	if (!strcmp(hardware->driver, "virtio_net"))
		virtio_read_features(info.bus_info, hardware->virtio_features);
}

static void read_queues(struct hardware *hardware, int fd)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	if (!ethtool(fd, hardware->name, &channels))
		hardware->queues = channels.rx_count + channels.combined_count;
}

static enum hardware_answer read_hash(const struct hardware *hardware, int fd, uint32_t flow)
{
	const uint64_t ports = RXH_L4_B_0_1 | RXH_L4_B_2_3;
	struct ethtool_rxnfc hash = {.cmd = ETHTOOL_GRXFH, .flow_type = flow};

	if (ethtool(fd, hardware->name, &hash) || !hash.data)
		return HARDWARE_UNKNOWN;
	return answer((hash.data & ports) == ports);
}

static enum hardware_answer read_feature(const struct hardware *hardware, int fd,
					 const char *wanted)
{
	struct ethtool_gstrings *names;
	struct ethtool_gfeatures *features;
	enum hardware_answer result = HARDWARE_UNKNOWN;
	uint32_t blocks;

	if (offload_get_names(fd, hardware->name, &names))
		return HARDWARE_UNKNOWN;
	blocks = (names->len + 31) / 32;
	features = calloc(1, sizeof(*features) + blocks * sizeof(features->features[0]));
	if (features) {
		features->cmd = ETHTOOL_GFEATURES;
		features->size = blocks;
	}
	if (features && !ethtool(fd, hardware->name, features)) {
		for (uint32_t bit = 0; bit < names->len; bit++) {
			if (strncmp((const char *)names->data + bit * ETH_GSTRING_LEN, wanted,
				    ETH_GSTRING_LEN) == 0)
				result = answer(features->features[bit / 32].active &
						1u << bit % 32);
		}
	}
	free(features);
	free(names);
	return result;
}

/* ---- XDP ----------------------------------------------------------------------------------------- */

struct generic {
	struct nl_sock *socket;
	uint16_t family;
	uint64_t features;
	bool has_features;
};

static int take_attribute(struct nl_msg *message, void *context)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct nlattr *attributes = (void *)((char *)nlmsg_data(header) + GENL_HDRLEN);
	int length = nlmsg_datalen(header) - GENL_HDRLEN;
	struct generic *generic = context;
	struct nlattr *found;

	if (length < 0)
		return NL_SKIP;
	if (header->nlmsg_type == GENL_ID_CTRL) {
		found = nla_find(attributes, length, CTRL_ATTR_FAMILY_ID);
		if (found)
			generic->family = nla_get_u16(found);
	} else {
		found = nla_find(attributes, length, NETDEV_DEV_XDP_FEATURES);
		generic->has_features = found;
		if (found)
			generic->features = nla_get_u64(found);
	}
	return NL_OK;
}

/* One message with one attribute, and its answer. */
static int ask_generic(struct generic *generic, int type, uint8_t command, int attribute,
		       const void *value, int length)
{
	struct genlmsghdr header = {.cmd = command, .version = 1};
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK);
	int error = !message || nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) ||
		    nla_put(message, attribute, length, value);

	if (!error)
		error = nl_send_auto(generic->socket, message) < 0 ||
			nl_recvmsgs_default(generic->socket) < 0 ||
			nl_wait_for_ack(generic->socket) < 0;
	nlmsg_free(message);
	return error;
}

static void read_xdp_features(struct hardware *hardware, uint32_t ifindex)
{
	static const char family[] = "netdev";
	struct generic generic = {.socket = nl_socket_alloc()};

	if (!generic.socket)
		return;
	nl_socket_modify_cb(generic.socket, NL_CB_VALID, NL_CB_CUSTOM, take_attribute, &generic);
	if (!nl_connect(generic.socket, NETLINK_GENERIC) &&
	    !ask_generic(&generic, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, family,
			 sizeof(family)) &&
	    generic.family &&
	    !ask_generic(&generic, generic.family, NETDEV_DEV_GET, NETDEV_DEV_IFINDEX, &ifindex,
			 sizeof(ifindex)) &&
	    generic.has_features) {
		hardware->xdp = answer(generic.features & NETDEV_FEATURE_BASIC);
		hardware->xdp_redirect = answer(generic.features & NETDEV_FEATURE_REDIRECT);
	}
	nl_socket_free(generic.socket);
}

const char *hardware_why_not_native(const struct hardware *hardware)
{
	if (!virtio_can_redirect(hardware->virtio_features))
		return "virtio_net needs mergeable receive buffers for a program that redirects "
		       "(QEMU: mrg_rxbuf=on)";
	if (hardware->xdp == HARDWARE_YES && hardware->xdp_redirect == HARDWARE_NO)
		return "the driver loses what a program redirects";
	return NULL;
}

static void read_program(struct hardware *hardware, int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd;

	if (bpf_xdp_query(ifindex, 0, &query))
		return;
	hardware->program = query.prog_id;
	hardware->program_is_generic = query.attach_mode == XDP_ATTACHED_SKB;
	fd = query.prog_id ? bpf_prog_get_fd_by_id(query.prog_id) : -1;
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		hardware->program_is_ours = strcmp(info.name, "rx") == 0;
	close(fd);
}

/* net.core.bpf_jit_enable is seen in the first network namespace alone. */
enum hardware_answer hardware_has_jit(void)
{
	const struct bpf_insn instructions[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	enum hardware_answer result = HARDWARE_UNKNOWN;
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "jit", "Dual BSD/GPL", instructions,
			       sizeof(instructions) / sizeof(instructions[0]), NULL);

	if (fd < 0)
		return HARDWARE_UNKNOWN;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		result = answer(info.jited_prog_len > 0);
	close(fd);
	return result;
}

int hardware_read(struct hardware *hardware, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;
	struct ifreq request;
	int ifindex;

	if (fd < 0)
		return -errno;
	*hardware = (struct hardware){0};
	snprintf(hardware->name, sizeof(hardware->name), "%s", name);
	error = ask_name(fd, name, SIOCGIFINDEX, &request);
	ifindex = request.ifr_ifindex;
	if (!error)
		error = ask_name(fd, name, SIOCGIFFLAGS, &request);
	if (!error) {
		hardware->is_loopback = request.ifr_flags & IFF_LOOPBACK;
		error = ask_name(fd, name, SIOCGIFMTU, &request);
	}
	if (!error) {
		hardware->mtu = (uint32_t)request.ifr_mtu;
		read_driver(hardware, fd);
		read_queues(hardware, fd);
		hardware->hashes_udp4 = read_hash(hardware, fd, UDP_V4_FLOW);
		hardware->hashes_udp6 = read_hash(hardware, fd, UDP_V6_FLOW);
		hardware->lro = read_feature(hardware, fd, "rx-lro");
		hardware->gro_hw = read_feature(hardware, fd, "rx-gro-hw");
		read_xdp_features(hardware, (uint32_t)ifindex);
		read_program(hardware, ifindex);
	}
	close(fd);
	return error;
}
