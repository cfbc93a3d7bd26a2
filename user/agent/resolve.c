// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * resolve.c - asks the system's resolver. Contract: resolve.h.
 *
 *     loop --question--> a thread of its own: getaddrinfo() --answer, a pipe--> loop
 *
 * A name that takes long keeps no other waiting. An answer is no longer than PIPE_BUF, so that it is written and read
 * whole; a thread has nothing else in common with the rest.
 */
#include <agent/config.h>
#include <agent/resolve.h>
#include <util/encoding.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Threads at a time. */
#define OPEN_QUESTIONS_MAX 32

/* From what the resolver found; getnameinfo() writes it as endpoint_from_text() reads it. */
static bool endpoint_from_address(const struct addrinfo *found, struct endpoint *endpoint)
{
	char host[NI_MAXHOST], port[NI_MAXSERV], text[NI_MAXHOST + NI_MAXSERV + 4];
	bool is_ipv6 = found->ai_family == AF_INET6;

	if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM))
		return false;
	snprintf(text, sizeof(text), is_ipv6 ? "[%s]:%s" : "%s:%s", host, port);
	return endpoint_from_text(endpoint, text);
}

bool resolve_endpoint(const char *text, struct endpoint *endpoint, const char **why)
{
	const struct addrinfo wanted = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
		.ai_flags = AI_NUMERICSERV,
	};
	const char *colon = strrchr(text, ':');
	char host[ENDPOINT_NAME_MAX + 1];
	struct addrinfo *found;
	bool good;
	int error;

	*why = "not a host's name and port";
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	error = getaddrinfo(host, colon + 1, &wanted, &found);
	if (error) {
		*why = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
		return false;
	}
	good = endpoint_from_address(found, endpoint);
	freeaddrinfo(found);
	*why = "its address cannot be used";
	return good;
}

/* ---- in a thread --------------------------------------------------------------------------------- */

struct question {
	/* the thread's own: where the answer goes */
	int answers;
	uint32_t id;
	char text[ENDPOINT_NAME_MAX + 1];
};

struct answer {
	uint32_t id;
	char text[ENDPOINT_NAME_MAX + 1];
	bool is_good;
	struct endpoint endpoint;
	char why[64];
};

_Static_assert(sizeof(struct answer) <= PIPE_BUF, "written in one piece");

struct resolver {
	struct loop *loop;
	struct loop_waiter answers;
	/* the pipe's other end, of which each question has a copy */
	int asked;
	unsigned int open_questions;
	resolver_answer *answer;
	void *context;
};

static void *work(void *context)
{
	struct question *question = context;
	struct answer answer = {.id = question->id};
	const char *why;

	memcpy(answer.text, question->text, sizeof(answer.text));
	answer.is_good = resolve_endpoint(question->text, &answer.endpoint, &why);
	snprintf(answer.why, sizeof(answer.why), "%s", why);
	/* when nobody listens any more, nobody needs to know */
	if (write(question->answers, &answer, sizeof(answer)) < 0)
		answer.is_good = false;
	close(question->answers);
	free(question);
	return NULL;
}

/* Signals are the loop's. */
static bool start_thread(struct question *question)
{
	sigset_t all, before;
	pthread_t thread;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	started = pthread_create(&thread, NULL, work, question) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (started)
		pthread_detach(thread);
	return started;
}

/* ---- the loop's side ----------------------------------------------------------------------------- */

static void answers_ready(void *context, uint32_t events)
{
	struct resolver *resolver = context;
	struct answer answer;

	(void)events;
	if (read(resolver->answers.fd, &answer, sizeof(answer)) != sizeof(answer))
		return;
	resolver->open_questions--;
	resolver->answer(resolver->context, answer.id, answer.text,
			 answer.is_good ? &answer.endpoint : NULL, answer.why);
}

int resolver_open(struct resolver **resolver, struct loop *loop, resolver_answer *answer,
		  void *context)
{
	struct resolver *made = calloc(1, sizeof(*made));
	int answers[2], error;

	if (!made)
		return -ENOMEM;
	if (pipe2(answers, O_CLOEXEC)) {
		error = -errno;
		free(made);
		return error;
	}
	*made = (struct resolver){
		.loop = loop,
		.answers = {answers[0], answers_ready, made},
		.asked = answers[1],
		.answer = answer,
		.context = context,
	};
	error = loop_add(loop, &made->answers, EPOLLIN);
	if (error) {
		close(answers[0]);
		close(answers[1]);
		free(made);
		return error;
	}
	*resolver = made;
	return 0;
}

bool resolver_ask(struct resolver *resolver, uint32_t id, const char *text)
{
	struct question *question;

	if (resolver->open_questions >= OPEN_QUESTIONS_MAX)
		return false;
	question = calloc(1, sizeof(*question));
	if (!question)
		return false;
	question->id = id;
	snprintf(question->text, sizeof(question->text), "%s", text);
	question->answers = fcntl(resolver->asked, F_DUPFD_CLOEXEC, 0);
	if (question->answers < 0 || !start_thread(question)) {
		if (question->answers >= 0)
			close(question->answers);
		free(question);
		return false;
	}
	resolver->open_questions++;
	return true;
}

void resolver_close(struct resolver *resolver)
{
	if (!resolver)
		return;
	loop_remove(resolver->loop, &resolver->answers);
	close(resolver->answers.fd);
	close(resolver->asked);
	free(resolver);
}
