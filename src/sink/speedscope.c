/*
 * The JSON of speedscope (its file-format-schema.json, version 1): one sampled profile per
 * thread, or one for all samples when their order was not kept. The file is put together from
 * small pieces, since a tree of all samples would take many times its size in memory.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sink/escape.h"
#include "sink/sink.h"

#define SCHEMA "https://www.speedscope.app/file-format-schema.json"

/* A profile on its way to a file. */
struct writer {
	const struct pyspyc_profile *profile;
	FILE *file;
	uint64_t weight; /* of one sample */
	uint32_t first;	 /* number of its first frame in the file */
	uint32_t *stack;
	size_t capacity;
};

/* Writes and releases a piece, NULL when it could not be made. */
static int put_piece(struct writer *writer, json_t *piece)
{
	if (!piece)
		return -PYSPYC_ENOMEM;
	/* A failed write shows in ferror, which the caller checks in the end. */
	json_dumpf(piece, writer->file, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(piece);
	return 0;
}

/* text as a JSON string; bytes that are no UTF-8 as \xff. */
static json_t *make_string(const char *text)
{
	json_t *string = json_string(text);

	if (!string) {
		spy_autobuffer struct spy_buffer visible = { 0 };

		spy_escape_visible(&visible, text, SIZE_MAX);
		string = visible.failed ? NULL : json_string(spy_buffer_text(&visible));
	}
	return string;
}

static int put_frame(struct writer *writer, const struct spy_frame *frame)
{
	json_t *object = json_object();
	int failed;

	if (!object)
		return -PYSPYC_ENOMEM;
	failed = json_object_set_new(object, "name",
				     make_string(spy_profile_text(writer->profile, frame->name)));
	if (frame->kind == SPY_FRAME_PYTHON) {
		failed |= json_object_set_new(object, "file",
					      make_string(spy_profile_text(writer->profile,
									   frame->file)));
		if (frame->line > 0)
			failed |= json_object_set_new(object, "line", json_integer(frame->line));
	}
	if (failed) {
		json_decref(object);
		return -PYSPYC_ENOMEM;
	}
	return put_piece(writer, object);
}

/* Writes the stack of node, root first; the root node's is empty. */
static int put_stack(struct writer *writer, uint32_t node)
{
	const struct spy_node *nodes = writer->profile->nodes;
	size_t depth = 0;

	for (; node; node = nodes[node].parent) {
		if (depth == writer->capacity) {
			size_t capacity = writer->capacity ? writer->capacity * 2 : 256;
			uint32_t *moved = realloc(writer->stack, capacity * sizeof(*moved));

			if (!moved)
				return -PYSPYC_ENOMEM;
			writer->stack = moved;
			writer->capacity = capacity;
		}
		writer->stack[depth++] = nodes[node].frame;
	}
	putc('[', writer->file);
	while (depth--)
		fprintf(writer->file, "%" PRIu32 "%s", writer->first + writer->stack[depth],
			depth ? "," : "");
	putc(']', writer->file);
	return 0;
}

static const char *unit_of(const struct pyspyc_profile *profile)
{
	if (profile->bytes)
		return "bytes";
	return profile->period_ns ? "nanoseconds" : "none";
}

/* Opens a profile up to its samples. */
static int begin_profile(struct writer *writer, const char *name, uint64_t end)
{
	fputs("{\"type\":\"sampled\",\"name\":", writer->file);
	if (put_piece(writer, make_string(name)))
		return -PYSPYC_ENOMEM;
	fprintf(writer->file,
		",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%" PRIu64 ",\n\"samples\":[",
		unit_of(writer->profile), end);
	return 0;
}

static int put_sums(struct writer *writer, const char *name)
{
	const struct pyspyc_profile *profile = writer->profile;
	const char *separator = "";
	uint32_t i;

	if (begin_profile(writer, name, profile->samples * writer->weight))
		return -PYSPYC_ENOMEM;
	for (i = 0; i < profile->node_count; i++) {
		if (!profile->nodes[i].self)
			continue;
		fputs(separator, writer->file);
		separator = ",\n";
		if (put_stack(writer, i))
			return -PYSPYC_ENOMEM;
	}
	fputs("],\n\"weights\":[", writer->file);
	separator = "";
	for (i = 0; i < profile->node_count; i++) {
		if (!profile->nodes[i].self)
			continue;
		fprintf(writer->file, "%s%" PRIu64, separator,
			profile->nodes[i].self * writer->weight);
		separator = ",";
	}
	fputs("]}", writer->file);
	return 0;
}

/* What the time axis shows at one of a lane's moments: an idle time, then the stack. */
struct step {
	uint64_t idle;
	uint64_t busy;
};

/* The step to moment from now, where the axis has come to; moves *now behind it. */
static struct step next_step(const struct writer *writer, const struct spy_moment *moment,
			     uint64_t *now)
{
	struct step step = { 0, moment->samples * writer->weight };

	/* Less than half a period is jitter, no pause. Without a period there is no axis. */
	if (writer->profile->period_ns && moment->start_ns > *now &&
	    moment->start_ns - *now > writer->profile->period_ns / 2)
		step.idle = moment->start_ns - *now;
	*now += step.idle + step.busy;
	return step;
}

/* One lane, whose moments are the numbers in order[0..count). */
static int put_lane(struct writer *writer, const struct spy_lane *lane, const uint32_t *order,
		    size_t count)
{
	const struct pyspyc_profile *profile = writer->profile;
	const char *separator = "";
	uint64_t now = 0, end = 0;
	struct step step;
	size_t i;

	for (i = 0; i < count; i++)
		next_step(writer, &profile->moments[order[i]], &end);
	if (begin_profile(writer, spy_profile_text(profile, lane->name), end))
		return -PYSPYC_ENOMEM;
	for (i = 0; i < count; i++) {
		step = next_step(writer, &profile->moments[order[i]], &now);
		fprintf(writer->file, "%s%s", separator, step.idle ? "[],\n" : "");
		separator = ",\n";
		if (put_stack(writer, profile->moments[order[i]].node))
			return -PYSPYC_ENOMEM;
	}
	fputs("],\n\"weights\":[", writer->file);
	for (i = 0, now = 0, separator = ""; i < count; i++) {
		step = next_step(writer, &profile->moments[order[i]], &now);
		fputs(separator, writer->file);
		separator = ",";
		if (step.idle)
			fprintf(writer->file, "%" PRIu64 ",", step.idle);
		fprintf(writer->file, "%" PRIu64, step.busy);
	}
	fputs("]}", writer->file);
	return 0;
}

/* A profile for every lane that has moments. */
static int put_lanes(struct writer *writer)
{
	const struct pyspyc_profile *profile = writer->profile;
	spy_autofree uint32_t *order = calloc(profile->moment_count, sizeof(*order));
	spy_autofree uint32_t *ends = calloc((size_t)profile->lane_count + 1, sizeof(*ends));
	const char *separator = "";
	uint32_t i, start;

	if (!order || !ends)
		return -PYSPYC_ENOMEM;
	/* Sorts the moments by lane, their order in time kept. */
	for (i = 0; i < profile->moment_count; i++)
		ends[profile->moments[i].lane + 1]++;
	for (i = 0; i < profile->lane_count; i++)
		ends[i + 1] += ends[i];
	for (i = 0; i < profile->moment_count; i++)
		order[ends[profile->moments[i].lane]++] = i;
	for (i = start = 0; i < profile->lane_count; start = ends[i++]) {
		if (start == ends[i])
			continue;
		fputs(separator, writer->file);
		separator = ",\n";
		if (put_lane(writer, &profile->lanes[i], order + start, ends[i] - start))
			return -PYSPYC_ENOMEM;
	}
	return 0;
}

/* Makes another profile the one to write, its frames behind those of the one before. */
static void turn_to(struct writer *writer, const struct pyspyc_profile *profile)
{
	writer->first += writer->profile->frame_count;
	writer->profile = profile;
	writer->weight = profile->period_ns ? profile->period_ns : 1;
}

/* Writes the frames of the profile; *separator: before the first. */
static int put_frames(struct writer *writer, const char **separator)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < writer->profile->frame_count && !ret; i++) {
		fputs(*separator, writer->file);
		*separator = ",\n";
		ret = put_frame(writer, &writer->profile->frames[i]);
	}
	return ret;
}

/* The frames of all profiles, those of bytes among them. */
static int put_all_frames(const struct writer *writer)
{
	const struct pyspyc_profile *main = writer->profile;
	const struct pyspyc_profile *const all[] = { main, main->grown, main->released };
	struct writer each = *writer;
	const char *separator = "\n";
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]) && !ret; i++) {
		each.profile = all[i];
		if (all[i])
			ret = put_frames(&each, &separator);
	}
	return ret;
}

/* One of main's behind those that are written: beside bytes it has a title of its own. */
static int put_bytes(struct writer *writer, const struct pyspyc_profile *main,
		     const struct pyspyc_profile *profile, const char *name)
{
	if (main->bytes && profile->title)
		name = profile->title;
	turn_to(writer, profile);
	fputs(",\n", writer->file);
	return put_sums(writer, name);
}

static int put_profiles(struct writer *writer)
{
	const struct pyspyc_profile *main = writer->profile;
	int ret = main->moment_count ? put_lanes(writer)
				     : put_sums(writer, main->title ? main->title : "all samples");

	if (!ret && main->grown)
		ret = put_bytes(writer, main, main->grown, "RSS grown");
	if (!ret && main->released)
		ret = put_bytes(writer, main, main->released, "RSS released");
	return ret;
}

static int put_file(struct writer *writer)
{
	const struct pyspyc_profile *profile = writer->profile;
	int ret;

	fputs("{\"$schema\":\"" SCHEMA "\",\n\"exporter\":\"pyspyc\",\n\"name\":", writer->file);
	ret = put_piece(writer, make_string(profile->title ? profile->title : "pyspyc"));
	fputs(",\n\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[", writer->file);
	if (!ret)
		ret = put_all_frames(writer);
	fputs("]},\n\"profiles\":[\n", writer->file);
	if (!ret)
		ret = put_profiles(writer);
	fputs("\n]}\n", writer->file);
	return ret;
}

static int write_speedscope(const struct pyspyc_profile *profile, FILE *file,
			    struct pyspyc_error *err)
{
	struct writer writer = {
		.profile = profile,
		.file = file,
		.weight = profile->period_ns ? profile->period_ns : 1,
	};
	int ret = put_file(&writer);

	free(writer.stack);
	return ret ? spy_nomem(err) : 0;
}

const struct spy_sink spy_sink_speedscope = {
	.format = {
		.name = "speedscope",
		.aliases = (const char *const[]){ NULL },
		.extensions = (const char *const[]){ ".speedscope.json", ".json", NULL },
		.description = "JSON for https://www.speedscope.app, with the order in time",
		.needs_timeline = true,
	},
	.write = write_speedscope,
};
