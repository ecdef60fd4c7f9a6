/* EC2's answers. Taken means that what was read can be used: ids and resources stand in a worker
 * id, and a second reading of the same bytes gives the same. Refused means that nothing was taken
 * and the message says why. A fault always becomes some error. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "common/worker_id.h"
#include "reaper/providers/aws_answer.h"
#include "reaper/providers/aws_fault.h"
#include "reaper/providers/aws_leftover.h"
#include "reaper/providers/aws_market.h"
#include "reaper/providers/aws_types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_list(struct slice body)
{
	SCOPED(fleet) struct fleet fleet = { 0 };
	SCOPED(fleet) struct fleet again = { 0 };
	SCOPED(buf) struct buf next = BUF(4096);
	struct error err = { 0 };

	if (aws_answer_instances(body, "p", &fleet, &next, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0] && !fleet.count);
		return;
	}
	assert(aws_answer_instances(body, "p", &again, &next, &err) == 0);
	assert(fleet.count == again.count);
	for (size_t i = 0; i < fleet.count; i++) {
		assert(worker_id_is_field(slice_of(fleet.list[i].id)));
		assert(worker_id_is_field(slice_of(fleet.list[i].resource)));
		assert(fleet.list[i].state <= INSTANCE_TERMINATED);
		assert(!strcmp(fleet.list[i].id, again.list[i].id));
	}
}

static void read_launched(struct slice body)
{
	char id[TICKET_FIELD_ROOM];
	struct error err = { 0 };
	bool is_over;

	if (aws_answer_launched(body, id, &is_over, &err) == 0)
		assert(worker_id_is_field(slice_of(id)));
	else
		assert(err.class == ERROR_MALFORMED && err.message[0]);
}

static void read_image(struct slice body)
{
	struct aws_image image;
	struct error err = { 0 };

	if (aws_answer_image(body, &image, &err) == 0)
		assert(worker_id_is_field(slice_of(image.id)));
	else
		assert((err.class == ERROR_MALFORMED || err.class == ERROR_NOT_FOUND) &&
		       err.message[0]);
}

static void read_leftovers(struct slice body, enum leftover_kind kind)
{
	SCOPED(leftover_list) struct leftover_list list = { 0 };
	SCOPED(buf) struct buf next = BUF(4096);
	struct error err = { 0 };

	if (aws_leftover_read(kind, body, "p", &list, &next, &err) < 0)
		assert(err.class == ERROR_MALFORMED && err.message[0] && !list.count);
	for (size_t i = 0; i < list.count; i++) {
		assert(worker_id_is_field(slice_of(list.list[i].id)));
		assert(worker_id_is_field(slice_of(list.list[i].resource)));
		assert(list.list[i].kind == kind);
	}
}

static void read_prices(struct slice body)
{
	static struct offering offering = { .type = "g5.xlarge", .market = MARKET_SPOT };
	static const struct resource resource = { .offerings = &offering, .offering_count = 1 };
	SCOPED(spot_price_list) struct spot_price_list prices = { 0 };
	SCOPED(buf) struct buf next = BUF(4096);
	struct error err = { 0 };

	if (aws_market_answer_prices(body, &resource, "us-east-1", &prices, &next, &err) < 0) {
		assert(err.class == ERROR_MALFORMED && err.message[0] && !prices.count);
		return;
	}
	for (size_t i = 0; i < prices.count; i++) {
		assert(prices.list[i].price > 0 && !strcmp(prices.list[i].type, offering.type));
		assert(worker_id_is_field(slice_of(prices.list[i].zone)));
	}
}

static void read_types(struct slice body)
{
	static struct offering offering = { .type = "g5.xlarge" };
	static const struct resource resource = { .offerings = &offering, .offering_count = 1 };
	struct instance_type type = { .region = "us-east-1" };
	SCOPED(buf) struct buf next = BUF(4096);
	struct error err = { 0 };

	if (aws_types_answer(body, &resource, "us-east-1", &type, &next, &err) < 0)
		assert(err.class == ERROR_MALFORMED && err.message[0]);
	else
		assert(type.is_there || (!type.vcpus && !type.gpus && !type.is_spot_sold));
}

static void read_fault(struct slice body)
{
	char zones[LAUNCH_ZONES][TICKET_FIELD_ROOM] = { "" };
	struct aws_fault fault;
	struct error err = { 0 };

	aws_fault_read(400, body, &fault);
	assert(aws_fault_set(&fault, "ec2", "RunInstances", &err) < 0);
	assert(err.class != ERROR_NONE && err.message[0]);
	aws_fault_zones(fault.text, zones);
	assert(!zones[LAUNCH_ZONES - 1][0]);
	for (size_t i = 0; *zones[i]; i++)
		assert(worker_id_is_field(slice_of(zones[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = { (const char *)data, size };
	SCOPED(buf) struct buf console = BUF(256);
	struct error err = { 0 };

	read_list(body);
	read_launched(body);
	read_image(body);
	read_prices(body);
	read_types(body);
	read_leftovers(body, LEFTOVER_VOLUME);
	read_leftovers(body, LEFTOVER_SPOT_REQUEST);
	read_fault(body);
	if (aws_answer_console(body, &console, &err) == 0)
		assert(console.len <= console.limit && !console.overflowed);
	return 0;
}
