// SPDX-License-Identifier: MIT
/* The header in C++: functions that share a struct's name, attributes, messages. */
#include <mailbox.h>

#include <cerrno>
#include <cstring>

int main()
{
	mailbox_attr attr = {};
	mailbox_msg msg = {};
	mailbox_result result = {};
	struct mailbox_info info;
	struct mailbox_query query;
	struct mailbox_info *ports = nullptr;
	char text[] = "hello";
	int pending = 0;

	attr.flags = MAILBOX_SEALED | MAILBOX_EXCLUSIVE;
	msg.data = text;
	msg.length = sizeof(text);
	msg.lane = MAILBOX_LANE_DEFAULT;

	mailbox *mb = mailbox_create("../nowhere", &attr, O_RDWR);
	if (mb) {
		mailbox_info(mb, &info);
		mailbox_set_lanes(mb, ~0U, 0);
		mailbox_send(mb, text, sizeof(text));
		mailbox_send_msg(mb, &msg, MAILBOX_NO_WAIT);
		mailbox_receive(mb, text, sizeof(text));
		mailbox_receive_msg(mb, &msg, mailbox_deadline_ms(1));
		mailbox_send_receive(mb, &msg, mb, &msg, &pending, MAILBOX_FOREVER);
		mailbox_call(mb, &msg, &result, MAILBOX_NO_WAIT);
		mailbox_reply(mb, &msg, text, sizeof(text));
		mailbox_reply_receive(mb, &msg, text, sizeof(text), &pending, MAILBOX_FOREVER);
		mailbox_from_fd(mailbox_fd(mb));
	}
	mailbox_close(mb);
	(void)mailbox_query(&query);
	(void)mailbox_list(&ports);
	(void)mailbox_open("../nowhere", O_RDONLY);
	return mailbox_delete("../nowhere", 0) == -EINVAL &&
	       !std::strcmp(mailbox_strerror(EIDRM), "port deleted") ? 0 : 1;
}
