// What is drawn, apart from how: the recording's points, and few enough moments of a range of time
// that keep every peak. Times are in ticks, sizes in bytes.

const SIZES = ["pss", "uss", "swap"];
const FAULTS_NS = 1e8; // page faults are counted at most so often
const SIZE_NAMES = { pss: "PSS", uss: "USS", swap: "Swap" };

// The values of a column of differences; of the process' value before, or of the point's before.
function decode(column, process, count, unit) {
	if (!column)
		return null;
	const values = new Float64Array(count), latest = new Map();
	let last = 0;
	for (let i = 0; i < count; i++) {
		last = (process ? latest.get(process[i]) || 0 : last) + column[i];
		if (process)
			latest.set(process[i], last);
		values[i] = last * unit;
	}
	return values;
}

function makeModel(data) {
	const count = data.count, unit = data.unit;
	const process = Int32Array.from(data.process || new Array(count).fill(0));
	const model = {
		data: data, count: count, process: process, time: decode(data.t, null, count, 1),
		rss: decode(data.rss, process, count, unit), stack: data.stack,
		minor: decode(data.minor, process, count, 1), major: decode(data.major, process, count, 1),
		processes: data.processes.map(([pid, parent, command, version, ended, since, until, first,
			peak, layer]) => ({ pid, parent, command, version, ended: Boolean(ended), since, until,
			first: first * unit, peak: peak * unit, layer })),
	};
	for (const size of SIZES)
		model[size] = decode(data[size], process, count, unit);
	const used = new Set(model.processes.map((one) => one.layer));
	// The layers in the order in which they are stacked, with their processes.
	model.layers = [...used].sort((a, b) => a - b).map((layer) => ({
		number: layer, processes: model.processes.filter((one) => one.layer === layer),
	}));
	model.ends = model.processes.map((one, index) => index).filter((i) => model.processes[i].ended)
		.sort((a, b) => model.processes[a].until - model.processes[b].until);
	// Each process' points, in the order of time.
	model.points = model.processes.map(() => []);
	for (let i = 0; i < count; i++)
		model.points[process[i]].push(i);
	model.peaks = data.peaks.map(([at, rss, stack]) => ({ at, rss: rss * unit, stack }));
	model.climbs = data.climbs.map(([from, to, low, high, stack, ofStack, grown]) => ({
		from, to, low: low * unit, high: high * unit, stack, ofStack: ofStack * unit,
		grown: grown * unit,
	}));
	model.growers = data.growers.map(([frame, grown, released]) => ({
		frame, grown: grown * unit, released: released * unit,
	}));
	model.limit = data.limit * unit;
	model.faulted = [data.minor, data.major].some((column) => column && column.some((more, i) =>
		more && model.points[process[i]][0] !== i));
	return model;
}

// Of how many items, which get larger, the last one is not above the value; -1: none.
function lastUpTo(count, item, value) {
	let low = 0, high = count;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (item(middle) <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

// The frames of a stack, innermost first: [name, place].
function framesOf(model, stack) {
	const frames = [];
	for (let node = stack; node >= 0 && frames.length < 100; node = model.data.nodes[node * 2])
		frames.push(frameText(model, model.data.nodes[node * 2 + 1]));
	return frames;
}

function frameText(model, frame) {
	if (frame < 0)
		return ["", ""];
	const [name, file, line] = model.data.frames.slice(frame * 4, frame * 4 + 3);
	return [model.data.strings[name],
		file < 0 ? "" : model.data.strings[file] + (line ? ":" + line : "")];
}

// The innermost frame's number, -1 for none.
function lineOf(model, stack) {
	return stack < 0 ? -1 : model.data.nodes[stack * 2 + 1];
}

// The point that tells what a process used at a time; -1 when it was not there.
function pointAt(model, process, time) {
	const points = model.points[process], one = model.processes[process];
	const place = lastUpTo(points.length, (i) => model.time[points[i]], time);
	return place < 0 || (one.ended && time > one.until) ? -1 : points[place];
}

// Keeps of each column the first, the last, the smallest and the largest moment.
function makeThinner(from, to, columns) {
	const kept = [];
	let column = -1, number = 0, first, last, least, most, before = null, done = false;

	function close() {
		let latest = -1;
		if (column < 0)
			return;
		for (const one of [first, least.number < most.number ? least : most,
			least.number < most.number ? most : least, last]) {
			if (one.number > latest)
				kept.push(one);
			latest = Math.max(latest, one.number);
		}
		column = -1;
	}

	return {
		kept,
		isDone: () => done,
		show(moment) {
			moment.number = number++;
			if (moment.time < from) {
				before = moment;
				return;
			}
			if (before)
				kept.push(before);
			before = null;
			if (moment.time > to) {
				close();
				kept.push(moment);
				done = true;
				return;
			}
			const here = Math.floor((moment.time - from) / (to - from) * columns);
			if (here !== column) {
				close();
				column = here;
				first = least = most = moment;
			}
			if (moment.rss < least.rss)
				least = moment;
			if (moment.rss > most.rss)
				most = moment;
			last = moment;
		},
		finish() {
			if (before)
				kept.push(before);
			close();
			return kept;
		},
	};
}

// The moments of a range: time, rss of all, of each layer, and the other sizes. Layers that are
// hidden count for nothing.
function momentsOf(model, from, to, columns, hidden) {
	const thinner = makeThinner(from, to, columns), layers = new Float64Array(16);
	const shares = SIZES.concat("rss").reduce((all, size) =>
		Object.assign(all, { [size]: new Float64Array(model.processes.length) }), {});
	const sums = { rss: 0, pss: 0, uss: 0, swap: 0 };
	const alive = new Uint8Array(model.processes.length);
	const waiting = new Uint8Array(model.processes.length); // without a reading of PSS
	let end = 0, begun = false, unread = 0;

	function set(process, point) {
		const layer = model.processes[process].layer;
		if (hidden.has(layer))
			return;
		unread -= waiting[process];
		waiting[process] = point >= 0 && isUnread(model, point);
		unread += waiting[process];
		for (const size of ["rss", "pss", "uss", "swap"]) {
			if (!model[size])
				continue;
			const value = point < 0 ? 0 : model[size][point], change = value - shares[size][process];
			shares[size][process] = value;
			sums[size] += change;
			if (size === "rss")
				layers[layer] += change;
		}
	}

	function show(time) {
		thinner.show({ time, read: !unread && sums.pss > 0, layers: layers.slice(), rss: sums.rss,
			pss: sums.pss, uss: sums.uss, swap: sums.swap, number: 0 });
		begun = true;
	}

	function dropEnded(time) {
		for (; end < model.ends.length; end++) {
			const process = model.ends[end], until = model.processes[process].until;
			if (until >= time)
				return;
			if (!alive[process])
				continue;
			show(until);
			set(process, -1);
			alive[process] = 0;
			show(until);
		}
	}

	let last = 0;
	for (let i = 0; i < model.count && !thinner.isDone(); i++) {
		const time = last = model.time[i], process = model.process[i];
		dropEnded(time);
		// Until then it was what it was before.
		if (begun)
			show(time);
		set(process, i);
		if (i + 1 === model.count || model.time[i + 1] !== time)
			show(time);
		alive[process] = 1;
	}
	if (!thinner.isDone()) {
		dropEnded(Infinity);
		if (begun && last < model.data.span)
			show(model.data.span);
	}
	return thinner.finish();
}

function isUnread(model, point) {
	return model.rss[point] > 0 && !(model.pss && model.pss[point] > 0);
}

// A size of a moment, null where it is not known. PSS and USS are read now and then only: they stand
// until the next reading, but can be no more than RSS meanwhile.
function sizeAt(moment, size) {
	if (size === "rss" || size === "swap")
		return moment[size];
	return moment.read ? Math.min(moment[size], moment.rss) : null;
}

// Page faults by bucket of a range: all of them and the major ones, each per second.
function faultsOf(model, from, to, buckets) {
	const all = new Float64Array(buckets), major = new Float64Array(buckets);
	const scale = buckets / (to - from), latest = new Map();

	function spread(into, start, stop, number) {
		const width = stop - start, low = Math.max(0, Math.floor(start));
		if (width <= 0 && stop >= 0 && stop < buckets)
			into[Math.floor(stop)] += number;
		for (let i = low; width > 0 && i < buckets && i < stop; i++)
			into[i] += number * (Math.min(stop, i + 1) - Math.max(start, i)) / width;
	}

	for (let i = 0; i < model.count; i++) {
		// changed: the point at which there were as many first, seen: at which there were still.
		const before = latest.get(model.process[i]), time = model.time[i];
		const more = before && model.major ? model.major[i] - model.major[before.changed] : 0;
		const allMore = more + (before && model.minor ? model.minor[i] - model.minor[before.changed] : 0);
		if (before && !allMore) {
			before.seen = i;
			continue;
		}
		latest.set(model.process[i], { changed: i, seen: i });
		if (!before || time < from)
			continue;
		const since = Math.max(model.time[before.changed], Math.min(model.time[before.seen],
			time - FAULTS_NS / model.data.tick));
		const start = (since - from) * scale, stop = (time - from) * scale;
		if (since > to)
			continue;
		spread(all, start, stop, allMore);
		spread(major, start, stop, more);
	}
	const second = scale * 1e9 / model.data.tick;
	return { all: all.map((n) => n * second), major: major.map((n) => n * second) };
}
