// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * metrics_serve.c - /metrics by HTTP (libmicrohttpd), one request after the other. Every request asks the agents
 * anew. Contract: metrics.h.
 */
#include <cli/metrics.h>

#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 16, CONNECTION_SECONDS = 15 };

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status, char *text,
			      size_t length, enum MHD_ResponseMemoryMode memory)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(length, text, memory);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				status == MHD_HTTP_OK ? METRICS_CONTENT_TYPE : "text/plain");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_line(struct MHD_Connection *connection, unsigned int status,
				   char *line)
{
	return answer(connection, status, line, strlen(line), MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result answer_metrics(struct MHD_Connection *connection, const char *tunnel)
{
	struct shown_list list;
	char *text = NULL;
	size_t length = 0;
	FILE *to;

	if (shown_ask(&list, tunnel))
		return answer_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "cannot ask\n");
	to = open_memstream(&text, &length);
	if (to)
		metrics_print(to, &list);
	shown_free(&list);
	if (!to || fclose(to)) {
		free(text);
		return answer_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory\n");
	}
	return answer(connection, MHD_HTTP_OK, text, length, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result request(void *tunnel, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_length, void **state)
{
	(void)version, (void)upload, (void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		/* it is answered when all was read of what came with it */
		if (!*state) {
			*state = connection;
			return MHD_YES;
		}
		*upload_length = 0;
		return answer_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
	}
	if (strcmp(url, "/metrics") != 0)
		return answer_line(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n");
	return answer_metrics(connection, tunnel);
}

int metrics_serve(int fd, const char *tunnel)
{
	struct MHD_Daemon *daemon;
	sigset_t signals;
	int received;

	/* before there is a thread, which then does not get them */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	daemon =
		MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, request,
				 (void *)tunnel, MHD_OPTION_LISTEN_SOCKET, fd,
				 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
				 MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS, MHD_OPTION_END);
	if (!daemon) {
		close(fd);
		return -EIO;
	}
	sigwait(&signals, &received);
	MHD_stop_daemon(daemon);
	return 0;
}
