#include "common/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = ARRAY_LEN(((struct command_line *)0)->values) };

static const char help_option[] = "--help", table_option[] = "--table";

/* What one call of command_dispatch() works on. */
struct dispatch {
	const char *program; /* without its folder */
	const struct command *commands;
	size_t count;
};

static const char *program_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_help(const char *word)
{
	return !strcmp(word, help_option) || !strcmp(word, "-h");
}

static const struct command *find_command(const struct dispatch *dispatch, const char *name)
{
	for (size_t i = 0; i < dispatch->count; i++)
		if (!strcmp(dispatch->commands[i].name, name))
			return &dispatch->commands[i];
	return NULL;
}

/* The place of an option whose name is the first len bytes of word; option_count: none. */
static size_t find_option(const struct command *command, const char *word, size_t len)
{
	size_t i = 0;

	while (i < command->option_count &&
	       !slice_equals((struct slice){ word, len }, command->options[i].name))
		i++;
	return i;
}

static void print_commands(FILE *stream, const struct dispatch *dispatch)
{
	int width = 0;

	for (size_t i = 0; i < dispatch->count; i++)
		if ((int)strlen(dispatch->commands[i].name) > width)
			width = (int)strlen(dispatch->commands[i].name);
	fprintf(stream, "usage: %s COMMAND [OPTION...]; COMMAND --help lists its options\n\n",
		dispatch->program);
	for (size_t i = 0; i < dispatch->count; i++)
		fprintf(stream, "  %-*s  %s\n", width, dispatch->commands[i].name,
			dispatch->commands[i].summary);
}

/* "--config FILE", but "INSTANCE..." */
static const char *between(const struct command_option *option)
{
	return option->argument && option->name[0] == '-' ? " " : "";
}

static int option_width(const struct command_option *option)
{
	return (int)(strlen(option->name) + strlen(between(option)) +
		     (option->argument ? strlen(option->argument) : 0));
}

static bool is_operand(const struct command_option *option)
{
	return option->name[0] != '-';
}

static void print_option(FILE *stream, const struct command_option *option, int width)
{
	fprintf(stream, "  %s%s%s%*s  %s\n", option->name, between(option),
		option->argument ? option->argument : "", width - option_width(option), "",
		option->summary);
}

static void print_options(FILE *stream, const struct dispatch *dispatch,
			  const struct command *command)
{
	static const struct command_option help = { help_option, NULL, "show this text" };
	int width = option_width(&help);

	for (size_t i = 0; i < command->option_count; i++)
		if (option_width(&command->options[i]) > width)
			width = option_width(&command->options[i]);
	fprintf(stream, "usage: %s %s [OPTION...]", dispatch->program, command->name);
	for (size_t i = 0; i < command->option_count; i++)
		if (is_operand(&command->options[i]))
			fprintf(stream, " %s%s", command->options[i].name,
				command->options[i].argument ? command->options[i].argument : "");
	fprintf(stream, "\n\n%s\n\n", command->summary);
	for (size_t i = 0; i < command->option_count; i++)
		print_option(stream, &command->options[i], width);
	print_option(stream, &help, width);
}

/* The text was asked for: not being able to show it (a full disk) is a failure. */
static int finish_help(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_OK : EXIT_FAILED;
}

/* "mayfly-reaper rnu: no such command, did you mean run?" */
static int refuse_command(const struct dispatch *dispatch, const char *word)
{
	const char **names = memory_array(dispatch->count + 1, sizeof(*names));

	for (size_t i = 0; i < dispatch->count; i++)
		names[i] = dispatch->commands[i].name;
	names[dispatch->count] = "help";
	const char *meant = text_nearest(word, names, dispatch->count + 1);

	free(names);
	fprintf(stderr, "%s: no command \"%s\"", dispatch->program, word);
	if (meant)
		fprintf(stderr, ", did you mean %s?\n", meant);
	else
		fprintf(stderr, "; %s --help lists them\n", dispatch->program);
	return EXIT_USAGE;
}

static const char *without_dashes(const char *name)
{
	return name + strspn(name, "-");
}

/* len: of the name alone, for what stands behind a "=" may be a secret. Dashes do not count as
 * letters that were written right. */
static void explain_unknown(const char *program, const struct command *command, const char *word,
			    size_t len)
{
	const char *names[MAX_OPTIONS + 1];
	char *name = memory_text((struct slice){ word, len });

	size_t known = 0;

	for (size_t i = 0; i < command->option_count; i++)
		if (!is_operand(&command->options[i]))
			names[known++] = without_dashes(command->options[i].name);
	names[known++] = without_dashes(help_option);
	const char *meant = text_nearest(without_dashes(name), names, known);

	fprintf(stderr, "%s %s: no option %s", program, command->name, name);
	free(name);
	if (meant)
		fprintf(stderr, ", did you mean --%s?\n", meant);
	else
		fprintf(stderr, "; %s %s --help lists them\n", program, command->name);
}

static size_t refuse_option(const char *program, const struct command_line *line,
			    const struct command_option *option, const char *complaint)
{
	fprintf(stderr, "%s %s: %s %s\n", program, line->command->name, option->name, complaint);
	return 0;
}

static bool may_repeat(const struct command_option *option)
{
	return option->argument && strstr(option->argument, "...");
}

/* Another value of an option that may be given several times. */
static bool add_value(struct command_line *line, size_t place, const char *value)
{
	if (line->more_count == COMMAND_MAX_MORE)
		return false;
	line->more[line->more_count].option = place;
	line->more[line->more_count++].value = value;
	return true;
}

/* One option with its value out of words[0] and perhaps words[1]; returns how many it took, 0
 * when it was refused (and said so). */
static size_t read_option(const char *program, struct command_line *line, size_t count,
			  char *const *words)
{
	const size_t name_len = strcspn(words[0], "=");
	const bool has_value = words[0][name_len] == '=';
	const size_t place = find_option(line->command, words[0], name_len);

	if (place == line->command->option_count) {
		explain_unknown(program, line->command, words[0], name_len);
		return 0;
	}
	const struct command_option *option = &line->command->options[place];
	const bool is_next =
		option->argument && !has_value && count > 1 && strncmp(words[1], "--", 2) != 0;
	const char *value = is_next ? words[1] : has_value ? words[0] + name_len + 1 : "";

	if (line->values[place] && !may_repeat(option))
		return refuse_option(program, line, option, "was given twice");
	if (has_value && !option->argument)
		return refuse_option(program, line, option, "takes no value");
	/* An empty value is mostly a shell variable that was not set. */
	if (option->argument && !*value) {
		fprintf(stderr, "%s %s: %s needs a value: %s %s\n", program, line->command->name,
			option->name, option->name, option->argument);
		return 0;
	}
	if (!line->values[place])
		line->values[place] = value;
	else if (!add_value(line, place, value))
		return refuse_option(program, line, option, "was given too often");
	return is_next ? 2 : 1;
}

/* The place of the operand that comes next; option_count: no more are expected. */
static size_t next_operand(const struct command_line *line)
{
	size_t i = 0;

	while (i < line->command->option_count &&
	       (!is_operand(&line->command->options[i]) ||
		(line->values[i] && !line->command->options[i].argument)))
		i++;
	return i;
}

/* "simulate: b.csv is one too many: it takes CONFIG TRACE" */
static size_t refuse_operand(const char *program, const struct command_line *line, const char *word)
{
	const struct command *command = line->command;

	if (!line->operand_count) {
		fprintf(stderr, "%s %s: \"%s\" is no option; %s %s --help lists them\n", program,
			command->name, word, program, command->name);
		return 0;
	}
	fprintf(stderr, "%s %s: \"%s\" is one too many: it takes", program, command->name, word);
	for (size_t i = 0; i < command->option_count; i++)
		if (is_operand(&command->options[i]))
			fprintf(stderr, " %s", command->options[i].name);
	fprintf(stderr, "\n");
	return 0;
}

/* operands has room for every word. */
static size_t read_operand(const char *program, struct command_line *line, const char **operands,
			   const char *word)
{
	const size_t place = next_operand(line);

	if (place == line->command->option_count)
		return refuse_operand(program, line, word);
	if (!*word) {
		fprintf(stderr, "%s %s: %s is empty\n", program, line->command->name,
			line->command->options[place].name);
		return 0;
	}
	line->values[place] = word;
	operands[line->operand_count++] = word;
	return 1;
}

static int read_words(const char *program, struct command_line *line, const char **operands,
		      size_t count, char *const *words)
{
	while (count) {
		size_t taken = words[0][0] == '-' ? read_option(program, line, count, words) :
						    read_operand(program, line, operands, words[0]);

		if (!taken)
			return -1;
		words += taken;
		count -= taken;
	}
	return 0;
}

static int run_command(const struct dispatch *dispatch, const struct command *command, size_t count,
		       char *const *words)
{
	struct command_line line = { .command = command };

	if (command->option_count > MAX_OPTIONS)
		abort(); /* a bug: struct command_line is too small for the table */
	for (size_t i = 0; i < count; i++)
		if (is_help(words[i])) {
			print_options(stdout, dispatch, command);
			return finish_help();
		}
	const char **operands = memory_array(count + 1, sizeof(*operands));
	int status = EXIT_USAGE;

	line.operands = operands;
	if (read_words(dispatch->program, &line, operands, count, words) == 0)
		status = command->run(&line);
	free(operands);
	return status;
}

/* For programs: command, option, argument, summary, with tabs between them. A command's own line
 * comes before those of its options, and has neither option nor argument. */
static int print_table(const struct dispatch *dispatch)
{
	for (size_t i = 0; i < dispatch->count; i++) {
		const struct command *command = &dispatch->commands[i];

		printf("%s\t\t\t%s\n", command->name, command->summary);
		for (size_t j = 0; j < command->option_count; j++) {
			const struct command_option *option = &command->options[j];

			printf("%s\t%s\t%s\t%s\n", command->name, option->name,
			       option->argument ? option->argument : "", option->summary);
		}
	}
	return finish_help();
}

/* "--help", "help", "help COMMAND". */
static int show_help(const struct dispatch *dispatch, const char *name)
{
	if (!name) {
		print_commands(stdout, dispatch);
		return finish_help();
	}
	if (!strcmp(name, table_option))
		return print_table(dispatch);
	const struct command *command = find_command(dispatch, name);

	if (!command)
		return refuse_command(dispatch, name);
	print_options(stdout, dispatch, command);
	return finish_help();
}

int command_dispatch(const struct command *commands, size_t count, int argc, char **argv)
{
	const struct dispatch dispatch = { program_name(argc > 0 ? argv[0] : ""), commands, count };

	if (argc < 2) {
		print_commands(stderr, &dispatch);
		return EXIT_USAGE;
	}
	if (is_help(argv[1]))
		return show_help(&dispatch, NULL);
	if (!strcmp(argv[1], "help"))
		return show_help(&dispatch, argc > 2 && !is_help(argv[2]) ? argv[2] : NULL);

	const struct command *command = find_command(&dispatch, argv[1]);

	if (!command)
		return refuse_command(&dispatch, argv[1]);
	return run_command(&dispatch, command, (size_t)argc - 2, argv + 2);
}

static size_t place_of(const struct command_line *line, const char *name)
{
	size_t place = find_option(line->command, name, strlen(name));

	if (place == line->command->option_count) {
		fprintf(stderr, "bug: %s has no option %s\n", line->command->name, name);
		abort();
	}
	return place;
}

const char *command_value(const struct command_line *line, const char *name, const char *fallback)
{
	const char *value = line->values[place_of(line, name)];

	return value ? value : fallback;
}

bool command_has(const struct command_line *line, const char *name)
{
	return line->values[place_of(line, name)] != NULL;
}

size_t command_values(const struct command_line *line, const char *name, const char **out,
		      size_t room)
{
	size_t place = place_of(line, name), count = 0;

	if (line->values[place] && count < room)
		out[count++] = line->values[place];
	for (size_t i = 0; i < line->more_count && count < room; i++)
		if (line->more[i].option == place)
			out[count++] = line->more[i].value;
	return count;
}
