#ifndef REAPER_LEDGER_LEDGER_H
#define REAPER_LEDGER_LEDGER_H

#include "common/hash.h"
#include "reaper/observation.h"

/*
 * ledger: what one pass tells the next and what people want to read later, in
 * one SQLite file of the state folder (ledger.sqlite, WAL). Output and memory
 * only (I6): deleting it changes no decision but what is remembered here.
 *
 * Two halves. The memory (struct ledger) is read whole at a pass's begin and
 * written whole in one transaction. The history (journal, spend) is only
 * added to. A pass that is killed, or finds the disk full, loses at most what
 * itself would have written. A file that is no database, whose memory is
 * damaged, or that was written by a newer version is set aside (renamed, loud
 * warning) and a fresh one begins; an older version is migrated, and so is the
 * ledger.json of mayfly 0.1. The history, which may be long, is checked once a
 * day, and at the next open after a part that was read, or could not be
 * written, was found damaged.
 */

struct remembered { /* a machine that had a record, or that we launched */
	char instance[TICKET_FIELD_ROOM];
	char resource[TICKET_FIELD_ROOM];
	int64_t last_report_ms; /* 0: it never reported */
	int64_t listed_s; /* when a list last showed it alive; 0: never, or it was seen to end */
	bool was_busy;
	bool has_served; /* it was fit for work once */
	bool is_judged; /* its boot counted already, as good or as failed */
	int64_t spent_until_s; /* its cost is in the spend up to then; 0: nothing yet */
};

struct remembered_resource {
	char resource[TICKET_FIELD_ROOM];
	unsigned boot_failures;
	int64_t last_boot_failure_s;
	int64_t spot_failing_since_s, spot_blackout_until_s;
	int64_t spot_asked_s; /* when the cloud was asked what spot costs, in vain too; 0: never */
	bool is_spot_secret; /* it did not say, and that was told */
};

struct ordered { /* an operator's mark on a machine */
	char instance[TICKET_FIELD_ROOM];
	enum order order;
	int64_t since_s;
	char issuer[HASH_HEX_LEN]; /* "": said here; else taken over from that ledger (told.h) */
};

struct ledger {
	int64_t since_s; /* when it began */
	uint64_t passes;
	int64_t looked_s; /* when a pass last could read the machine records; 0: never */
	char task[CLEARML_ID_ROOM]; /* the reaper's own ClearML task; "": none yet */
	uint64_t channel; /* the number of the last command that was signed */
	char issuer[HASH_HEX_LEN]; /* our name in what we sign, by chance; "": none yet */
	uint64_t mirror; /* the highest number of a mirror that was seen (spend_mirror.h) */
	/* Another ledger of this prefix, alive beside this one, and when it last signed something
	 * (by its word); "": none was seen. */
	char rival[HASH_HEX_LEN];
	int64_t rival_s;
	/* Is all that was spent in here, the sums of an earlier ledger too (spend.h)? What machines
	 * cost before counted_until_s is in those; a machine's own spent_until_s may be later. */
	bool is_spend_whole;
	int64_t spend_lost_s; /* when the mirror that an earlier one left was refused: what was
				 spent before is in no sum; 0: that never was */
	int64_t counted_until_s;
	struct open_attempt *attempts;
	size_t attempt_count;
	struct mark *marks;
	size_t mark_count;
	struct remembered *machines;
	size_t machine_count;
	struct remembered_resource *resources;
	size_t resource_count;
	struct offering_state *offerings;
	size_t offering_count;
	struct ordered *orders;
	size_t order_count;
	struct clearml_user *users; /* as ClearML last named them, in order of id */
	size_t user_count;
	int64_t users_asked_s; /* when it was asked who they are, in vain too; 0: never */
	struct spot_price *spot_prices; /* as the clouds last said them (spot_prices.h) */
	size_t spot_price_count;
};

struct ledger_file; /* opaque: the open database */

#define LEDGER_NAME "ledger.sqlite"
#define LEDGER_OLD_NAME "ledger.json" /* of mayfly 0.1 */

/* The one writer's: whoever holds the state folder's lock. */
CHECKED int ledger_open(const char *folder, int64_t now_s, struct ledger_file **out,
			struct error *err);
/* For looking on, also while a pass writes: makes and changes no file; there is none, or one that
 * makes no sense (a warning): an empty ledger. Writes are ERROR_REFUSED. */
CHECKED int ledger_open_view(const char *folder, int64_t now_s, struct ledger_file **out,
			     struct error *err);
/* The same for one who prints what is in it: none yet is ERROR_NOT_FOUND, one that makes no sense
 * ERROR_MALFORMED. */
CHECKED int ledger_open_history(const char *folder, int64_t now_s, struct ledger_file **out,
				struct error *err);
void ledger_close(struct ledger_file *file); /* NULL is fine */

CHECKED int ledger_read(struct ledger_file *file, struct ledger *out, struct error *err);
CHECKED int ledger_write(struct ledger_file *file, const struct ledger *ledger, struct error *err);
void ledger_release(struct ledger *ledger);

/* ---- history: older entries are dropped; once a day all of it is looked at for damage ---- */

enum { LEDGER_JOURNAL_DAYS = 90, LEDGER_SPEND_DAYS = 400 };

struct journal_entry {
	int64_t time_s;
	char event[32]; /* "launched", "terminated", "returned", "ordered", "budget", ... */
	char subject[TICKET_FIELD_ROOM]; /* an instance, a task, a resource */
	char text[512]; /* why, for a person */
};
CHECKED int ledger_journal_add(struct ledger_file *file, const struct journal_entry *entries,
			       size_t count, struct error *err);
/* The newest first, at most limit. visit returns false to stop. */
CHECKED int ledger_journal_each(struct ledger_file *file, size_t limit,
				bool (*visit)(const struct journal_entry *entry, void *context),
				void *context, struct error *err);
/* The newest one of this event and subject. */
CHECKED int ledger_journal_last(struct ledger_file *file, const char *event, const char *subject,
				struct journal_entry *out, bool *is_found, struct error *err);

/* Money and time that one machine cost for one purpose on one UTC day; rows of the same key (all
 * texts) are added up. */
struct spend_row {
	char day[11];
	char resource[TICKET_FIELD_ROOM], instance[TICKET_FIELD_ROOM];
	char queue[CLEARML_NAME_ROOM], task[CLEARML_ID_ROOM], user[SETTINGS_USER_ROOM]; /* "": idle,
											   or not
											   known */
	int64_t seconds; /* of the machine, shared out among its seats */
	int64_t money; /* micro-dollars */
	int64_t unpriced_s; /* of seconds: at an unknown price */
};
/* Kept in memory; the next ledger_write() writes them in its own transaction, so that a row and the
 * spent_until_s of its machine are in the file together or not at all. Copies the rows. */
void ledger_spend_add(struct ledger_file *file, const struct spend_row *rows, size_t count);
/* Rows of from_day..until_day (both included), in order of day. */
CHECKED int ledger_spend_each(struct ledger_file *file, const char *from_day, const char *until_day,
			      bool (*visit)(const struct spend_row *row, void *context),
			      void *context, struct error *err);
/* The same added up by day, resource, queue and user; instance and task are "". What was added
 * since the last ledger_write() is not in it. */
CHECKED int ledger_spend_sums(struct ledger_file *file, const char *from_day, const char *until_day,
			      bool (*visit)(const struct spend_row *row, void *context),
			      void *context, struct error *err);
/* For whom this task was counted last on this instance (of row only queue and user are set): on
 * another one it may have run for another queue. *is_found false: it was not counted yet. */
CHECKED int ledger_spend_task(struct ledger_file *file, const char *task, const char *instance,
			      struct spend_row *row, bool *is_found, struct error *err);

#endif
