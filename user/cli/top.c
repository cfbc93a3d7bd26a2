// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * top.c - `wgxdp top`: peers in a terminal, as it goes. What is shown is top.h's; here are screen and keys
 * (ncurses). The screen is given back also when a signal ends us.
 *
 *     wg0: 2 peers, 1 with a session                       sorted by in
 *     in 1.2M bit/s, 103 packets/s   out 24.1k bit/s, 51 packets/s
 *     dropped 12, most: bad-tag, transport packet that fails authentication
 *     PEER       ENDPOINT           IN   OUT   P/s   P/s  SHAKEN  LOST MOSTLY
 *     Anna       192.0.2.7:51820  1.2M 24.1k   103    51    12 s    12 bad-tag
 */
#include <cli/cli.h>
#include <cli/top.h>
#include <cli/tunnel.h>
#include <util/encoding.h>
#include <util/verdicts.h>

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

enum {
	SECONDS_MAX = 3600,
	/* lines above the peers, and below */
	PAD_WIDTH = 512,
	HEAD_LINES = 4,
	FOOT_LINES = 1,
	/* columns, each with the blank behind it: in 80, and what more there may be of them */
	PEER_WIDTH = 11,
	PEER_WIDTH_MAX = KEY_BASE64_LENGTH + 1,
	ENDPOINT_WIDTH = 16,
	ENDPOINT_WIDTH_IPV4 = 22,
	ENDPOINT_WIDTH_MAX = 48,
	/* right of both */
	NUMBERS_WIDTH = 53,
};

struct screen {
	struct top top;
	const char *tunnel;
	unsigned int interval;
	enum top_order order;
	bool reverse;
	/* first peer that is shown */
	size_t first;
	uint64_t looked_at;
	const char *wrong;
};

static volatile sig_atomic_t is_ending;

/* What is drawn on: as high as the screen and wider than any line, so that lines are cut off and never wrap. */
static WINDOW *pad;

static void end(int signal)
{
	(void)signal;
	is_ending = 1;
}

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- drawing ------------------------------------------------------------------------------------- */

static size_t rows_shown(void)
{
	return LINES > HEAD_LINES + FOOT_LINES ? (size_t)(LINES - HEAD_LINES - FOOT_LINES) : 0;
}

static void draw_sums(const struct screen *screen)
{
	const struct top *top = &screen->top;
	char in[TOP_AMOUNT_LENGTH], out[TOP_AMOUNT_LENGTH], packets_in[TOP_AMOUNT_LENGTH],
		packets_out[TOP_AMOUNT_LENGTH];

	mvwprintw(pad, 0, 0, "%s: %zu peer%s, %zu with a session", screen->tunnel ?: "all tunnels",
		  top->row_count, top->row_count == 1 ? "" : "s", top->with_session);
	mvwprintw(pad, 0, COLS > 54 ? COLS - 27 : 54, "sorted by %s%s",
		  top_order_name(screen->order), screen->reverse ? ", least first" : "");
	top_amount(in, top->sum.received_bits);
	top_amount(out, top->sum.sent_bits);
	top_amount(packets_in, top->sum.received_packets);
	top_amount(packets_out, top->sum.sent_packets);
	mvwprintw(pad, 1, 0, "in %s bit/s, %s packets/s   out %s bit/s, %s packets/s", in,
		  packets_in, out, packets_out);
	mvwprintw(pad, 2, 0, "dropped %" PRIu64, top->drops);
	if (top->most != VERDICT_COUNT)
		wprintw(pad, ", most: %s, %s", verdict_name(top->most), verdict_meaning(top->most));
}

struct widths {
	int peer;
	int endpoint;
};

/* What a wide terminal has more goes to whole IPv4 endpoints, then to whole keys, then to IPv6; what a narrow
 * one lacks is the endpoint's. */
static struct widths find_widths(void)
{
	struct widths widths = {PEER_WIDTH, ENDPOINT_WIDTH};
	int more = COLS - PEER_WIDTH - ENDPOINT_WIDTH - NUMBERS_WIDTH, some;

	some = more < ENDPOINT_WIDTH_IPV4 - ENDPOINT_WIDTH ? more
							   : ENDPOINT_WIDTH_IPV4 - ENDPOINT_WIDTH;
	widths.endpoint += some;
	more -= some;
	some = more < PEER_WIDTH_MAX - PEER_WIDTH ? more : PEER_WIDTH_MAX - PEER_WIDTH;
	widths.peer += some;
	more -= some;
	widths.endpoint += more;
	if (widths.endpoint < 0)
		widths.endpoint = 0;
	if (widths.endpoint > ENDPOINT_WIDTH_MAX)
		widths.endpoint = ENDPOINT_WIDTH_MAX;
	return widths;
}

/* Text in so many columns, the last one blank; names may be of any script. */
static void add_column(const char *text, int width)
{
	wchar_t wide[ADDRESS_TEXT_LENGTH + 1];
	size_t length = mbstowcs(wide, text, ADDRESS_TEXT_LENGTH);
	int columns = 0;

	/* not of this terminal's character set */
	if (length == (size_t)-1)
		length = mbstowcs(wide, "?", 1);
	for (size_t i = 0; i < length; i++) {
		int more = wcwidth(wide[i]);

		if (more < 0 || columns + more >= width)
			break;
		waddnwstr(pad, &wide[i], 1);
		columns += more;
	}
	for (; columns < width; columns++)
		waddch(pad, ' ');
}

static void draw_row(const struct top_row *row, int line, uint64_t now)
{
	char key[KEY_BASE64_LENGTH + 1], endpoint[ADDRESS_TEXT_LENGTH] = "-";
	char in[TOP_AMOUNT_LENGTH], out[TOP_AMOUNT_LENGTH], packets_in[TOP_AMOUNT_LENGTH],
		packets_out[TOP_AMOUNT_LENGTH], age[TOP_AMOUNT_LENGTH], drops[TOP_AMOUNT_LENGTH];
	struct widths widths = find_widths();

	key_to_base64(key, row->peer->public_key);
	if (row->peer->has_endpoint)
		endpoint_to_text(endpoint, &row->peer->endpoint);
	top_amount(in, row->received_bits);
	top_amount(out, row->sent_bits);
	top_amount(packets_in, row->received_packets);
	top_amount(packets_out, row->sent_packets);
	top_amount(drops, (double)row->drops);
	top_age(age, row->peer->last_handshake_seconds, now);
	wmove(pad, line, 0);
	add_column(row->peer->name[0] ? row->peer->name : key, widths.peer);
	add_column(endpoint, widths.endpoint);
	wprintw(pad, "%5s %5s %5s %5s %7s %5s %.15s", in, out, packets_in, packets_out, age, drops,
		row->most == VERDICT_COUNT ? "" : verdict_name(row->most));
}

static void draw_head(void)
{
	struct widths widths = find_widths();

	wattron(pad, A_REVERSE);
	mvwhline(pad, HEAD_LINES - 1, 0, ' ', PAD_WIDTH);
	wmove(pad, HEAD_LINES - 1, 0);
	add_column("PEER", widths.peer);
	add_column("ENDPOINT", widths.endpoint);
	wprintw(pad, "%5s %5s %5s %5s %7s %5s %s", "IN", "OUT", "P/s", "P/s", "SHAKEN", "LOST",
		"MOSTLY");
	wattroff(pad, A_REVERSE);
}

/* False without memory. */
static bool fit_pad(void)
{
	if (pad && getmaxy(pad) == LINES)
		return true;
	if (pad)
		delwin(pad);
	pad = newpad(LINES, PAD_WIDTH);
	if (!pad)
		return false;
	keypad(pad, TRUE);
	return true;
}

static void draw(struct screen *screen)
{
	const struct top *top = &screen->top;
	size_t room = rows_shown();
	uint64_t now = (uint64_t)time(NULL);

	top_sort(&screen->top, screen->order, screen->reverse);
	if (screen->first + room > top->row_count)
		screen->first = top->row_count > room ? top->row_count - room : 0;
	if (!fit_pad())
		return;
	werase(pad);
	draw_sums(screen);
	draw_head();
	for (size_t i = 0; i < room && screen->first + i < top->row_count; i++)
		draw_row(&top->rows[screen->first + i], HEAD_LINES + (int)i, now);
	wattron(pad, A_REVERSE);
	mvwhline(pad, LINES - 1, 0, ' ', PAD_WIDTH);
	mvwprintw(
		pad, LINES - 1, 0, "%s",
		screen->wrong
			?: "q quit  i in  o out  h handshake  d dropped  n name  r reverse  arrows scroll");
	wattroff(pad, A_REVERSE);
	prefresh(pad, 0, 0, 0, 0, LINES - 1, COLS - 1);
}

/* ---- looking ------------------------------------------------------------------------------------- */

static void look(struct screen *screen)
{
	uint64_t now = milliseconds();
	struct shown_list list;
	int error = shown_ask(&list, screen->tunnel);

	screen->wrong = error ? strerror(-error) : NULL;
	for (size_t i = 0; i < list.count && !screen->wrong; i++) {
		if (list.tunnels[i].error)
			screen->wrong = "an agent does not answer: its peers are not here";
	}
	if (!error && !top_look(&screen->top, &list, (double)(now - screen->looked_at) / 1000))
		screen->wrong = "out of memory";
	shown_free(&list);
	screen->looked_at = now;
}

static void sort_by(struct screen *screen, enum top_order order)
{
	screen->order = order;
	screen->first = 0;
}

static void scroll_to(struct screen *screen, long by)
{
	if (by < 0 && screen->first < (size_t)-by)
		screen->first = 0;
	else
		screen->first = (size_t)((long)screen->first + by);
}

/* False: quit. */
static bool take_key(struct screen *screen, int key)
{
	switch (key) {
	case 'q':
		return false;
	case 'i':
		sort_by(screen, TOP_BY_RECEIVED);
		break;
	case 'o':
		sort_by(screen, TOP_BY_SENT);
		break;
	case 'h':
		sort_by(screen, TOP_BY_HANDSHAKE);
		break;
	case 'd':
		sort_by(screen, TOP_BY_DROPS);
		break;
	case 'n':
		sort_by(screen, TOP_BY_NAME);
		break;
	case 'r':
		screen->reverse = !screen->reverse;
		break;
	case KEY_UP:
		scroll_to(screen, -1);
		break;
	case KEY_DOWN:
		scroll_to(screen, 1);
		break;
	case KEY_PPAGE:
		scroll_to(screen, -(long)rows_shown());
		break;
	case KEY_NPAGE:
		scroll_to(screen, (long)rows_shown());
		break;
	}
	return true;
}

static void run(struct screen *screen)
{
	uint64_t interval = screen->interval * 1000ULL;
	bool goes_on = true;

	while (goes_on && !is_ending) {
		uint64_t waited = milliseconds() - screen->looked_at;
		int key;

		draw(screen);
		if (!pad)
			break;
		wtimeout(pad, waited >= interval ? 0 : (int)(interval - waited));
		key = wgetch(pad);
		if (key != ERR)
			goes_on = take_key(screen, key);
		if (milliseconds() - screen->looked_at >= interval)
			look(screen);
	}
}

static bool open_terminal(const struct arguments *arguments)
{
	const struct sigaction ending = {.sa_handler = end};
	SCREEN *terminal = NULL;

	setlocale(LC_ALL, "");
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		complain(
			arguments,
			"this is no terminal that could be drawn on: expected one, and its name in TERM");
		return false;
	}
	sigaction(SIGTERM, &ending, NULL);
	sigaction(SIGINT, &ending, NULL);
	sigaction(SIGHUP, &ending, NULL);
	cbreak();
	noecho();
	curs_set(0);
	set_escdelay(25);
	refresh();
	return true;
}

static bool read_arguments(const struct arguments *arguments, struct screen *screen)
{
	const char *interval = option_value(arguments, "interval", 0);
	uint64_t seconds = 1;

	if (screen->tunnel && !tunnel_name_is_good(arguments, screen->tunnel))
		return false;
	if (screen->tunnel && !tunnel_exists(screen->tunnel)) {
		tunnel_complain_missing(arguments, screen->tunnel);
		return false;
	}
	if (interval && (!number_from_text(&seconds, interval, SECONDS_MAX) || !seconds)) {
		complain(arguments, "--interval '%s': expected a number from 1 to %d", interval,
			 SECONDS_MAX);
		return false;
	}
	screen->interval = (unsigned int)seconds;
	return true;
}

int cli_top(const struct arguments *arguments)
{
	struct screen screen = {.tunnel = arguments->operands[0]};

	if (!read_arguments(arguments, &screen) || !open_terminal(arguments))
		return EXIT_FAILURE;
	look(&screen);
	run(&screen);
	endwin();
	top_free(&screen.top);
	return EXIT_SUCCESS;
}
