#include "bootstrap/gates.h"
#include "bootstrap/supervisor.h"
#include "common/log.h"

enum { RETRY_MS = 3000, LOOK_AGAIN_MS = 2000, INIT_LOOK_MS = 250 };
/* From STEP_GATES on, below STEP_CLAIM: that gate. */
enum { STEP_INIT = 0, STEP_GATES, STEP_CLAIM = STEP_GATES + GATE_COUNT, STEP_LOOK };

static bool is_transient(const struct error *err)
{
	return err->class == ERROR_UNREACHABLE || err->class == ERROR_THROTTLED ||
	       err->class == ERROR_MALFORMED; /* a proxy's page, a cut answer */
}

/* The engine is a program of this machine: it has a shorter time than the network. */
static bool is_engine_overdue(const struct supervisor *supervisor, int64_t now_ms)
{
	return supervisor->prove_step == GATE_DOCKER &&
	       now_ms - supervisor->phase_since_ms >=
		       supervisor->machine.ticket.agent.docker.wait_s * 1000;
}

/* ClearML out of reach is waited for, within the boot deadline, and so is an image that
 * comes; anything else is final. */
static void failed(struct supervisor *supervisor, const struct error *err, int64_t now_ms)
{
	if (!is_transient(err) || is_engine_overdue(supervisor, now_ms)) {
		supervisor_go(supervisor, EVENT_FAILED, REASON_GATE, "%s", err->message);
		return;
	}
	if (!supervisor->is_prove_failing)
		log_failure("prove", err);
	supervisor->is_prove_failing = true;
	text_cut(supervisor->prove_message, sizeof(supervisor->prove_message), err->message);
	supervisor->prove_next_ms = now_ms + RETRY_MS;
}

static void next_step(struct supervisor *supervisor, int step)
{
	if (supervisor->is_prove_failing)
		log_info("prove", "it goes on");
	supervisor->is_prove_failing = false;
	supervisor->prove_step = step;
}

static void run_init(struct supervisor *supervisor, int64_t now_ms)
{
	bool has_ended = false;
	struct error err;

	if ((!supervisor->init &&
	     init_script_begin(&supervisor->machine, &supervisor->init, &err) < 0) ||
	    init_script_turn(supervisor->init, &has_ended, &err) < 0) {
		supervisor_go(supervisor, EVENT_FAILED, REASON_INIT, "%s", err.message);
		return;
	}
	if (!has_ended) {
		supervisor->prove_next_ms = now_ms + INIT_LOOK_MS;
		return;
	}
	init_script_close(supervisor->init);
	supervisor->init = NULL;
	next_step(supervisor, STEP_GATES);
}

static void pass_gate(struct supervisor *supervisor, int64_t now_ms)
{
	SCOPED(buf) struct buf found = BUF(512);
	enum gate gate = (enum gate)(supervisor->prove_step - STEP_GATES);
	struct error err;

	if (!gate_applies(gate, &supervisor->machine.ticket) ||
	    (gate == GATE_DAY && life_is_admitted(&supervisor->life))) {
		next_step(supervisor, supervisor->prove_step + 1);
		return;
	}
	if (gate_prove(gate, &supervisor->machine, &found, &err) < 0) {
		(void)error_wrap(&err, "%s", gate_name(gate));
		failed(supervisor, &err, now_ms);
		return;
	}
	log_info("gate", "%s: %s", gate_name(gate), buf_text(&found));
	next_step(supervisor, supervisor->prove_step + 1);
}

/* The claim counts only once ClearML has it: the loop reports, then we look. */
static void claim(struct supervisor *supervisor, enum claim claimed)
{
	supervisor->life.claim = claimed;
	supervisor_save_life(supervisor);
	supervisor->wants_report = true;
	next_step(supervisor, STEP_LOOK);
}

static void look(struct supervisor *supervisor, int64_t now_ms)
{
	struct error err;

	if (supervisor->wants_report) { /* not yet written: ClearML did not take it */
		supervisor->prove_next_ms = now_ms + RETRY_MS;
		return;
	}
	if (slot_look(&supervisor->slot, &supervisor->machine, supervisor->life.claim, now_ms,
		      &err) < 0) {
		failed(supervisor, &err, now_ms);
		return;
	}
	next_step(supervisor, STEP_LOOK);
	if (!supervisor->slot.is_listed) {
		supervisor_register_again(supervisor);
		return;
	}
	switch (supervisor->slot.answer) {
	case SETTLE_LEAVE:
		supervisor_go(supervisor, EVENT_FAILED, REASON_SLOT_HELD, "slot %u is held by %s",
			      supervisor->machine.ticket.slot, supervisor->slot.rival);
		break;
	case SETTLE_WAIT:
		supervisor->prove_next_ms = now_ms + LOOK_AGAIN_MS;
		break;
	case SETTLE_CLAIM:
		claim(supervisor, CLAIM_SERVES);
		break;
	case SETTLE_HOLD:
		supervisor_enter(supervisor, phase_next(supervisor->phase, EVENT_DONE, false),
				 now_ms);
		break;
	}
}

void prove_turn(struct supervisor *supervisor, int64_t now_ms)
{
	if (now_ms < supervisor->prove_next_ms)
		return;
	if (supervisor->prove_step == STEP_INIT)
		run_init(supervisor, now_ms);
	else if (supervisor->prove_step < STEP_CLAIM)
		pass_gate(supervisor, now_ms);
	else if (supervisor->prove_step == STEP_CLAIM)
		claim(supervisor,
		      supervisor->life.claim == CLAIM_SERVES ? CLAIM_SERVES : CLAIM_INTENT);
	else
		look(supervisor, now_ms);
}
