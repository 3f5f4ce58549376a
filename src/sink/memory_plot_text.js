// Sizes and times as text, ticks of axes, and places for labels: as memory_plot_text.c and
// memory_plot_labels.c have them.

const KB = 1024, MB = 1024 * KB, GB = 1024 * MB, SECOND = 1e9;

function sizeText(bytes) {
	const sign = bytes < 0 ? "−" : "", size = Math.abs(bytes);
	if (size < 999.5 * KB)
		return sign + fixed(size / KB, 0) + " KiB";
	if (size < 999.95 * MB)
		return sign + fixed(size / MB, 1) + " MiB";
	return sign + (size < 999.995 * GB ? fixed(size / GB, 2) + " GiB" :
		fixed(size / GB / 1024, 2) + " TiB");
}

function durationText(ns) {
	const seconds = ns / SECOND;
	if (seconds < 0.0995)
		return fixed(seconds * 1e3, 0) + " ms";
	if (seconds < 119.5)
		return fixed(seconds, seconds < 9.95 ? 1 : 0) + " s";
	return seconds < 5970 ? fixed(seconds / 60, 0) + " min" : fixed(seconds / 3600, 1) + " h";
}

// A time, as exact as ticks that are step apart ask for.
function timeText(ns, step) {
	const decimals = Math.max(0, Math.min(9, Math.ceil(9 - Math.log10(step) - 1e-9)));
	const parts = [];
	let left = Math.round(ns / (SECOND / 10 ** decimals)) / 10 ** decimals;
	for (const [seconds, name] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
		if (left >= seconds)
			parts.push(Math.floor(left / seconds) + " " + name);
		left %= seconds;
	}
	if (left >= 0.5 / 10 ** decimals || !parts.length)
		parts.push(ns ? left.toFixed(decimals) + " s" : "0");
	return parts.join(" ");
}

// The hour where the recording was made.
function clockText(data, ns, step) {
	if (!data.started)
		return "";
	const date = new Date((data.started + data.east) * 1000 + ns / 1e6);
	return isNaN(date) ? "" : date.toISOString().slice(11, step % 60e9 ? 19 : 16);
}

function timeStep(span, most) {
	for (let unit = 1; unit <= SECOND; unit *= 10)
		for (const part of [1, 2, 5])
			if (span / (unit * part) < most)
				return unit * part;
	for (const seconds of [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200])
		if (span / (seconds * SECOND) < most)
			return seconds * SECOND;
	let step = 86400 * SECOND;
	while (span / step >= most)
		step *= 2;
	return step;
}

function sizeStep(bytes, most) {
	for (let unit = KB; unit < 2 ** 46; unit *= 1024)
		for (const part of [1, 2, 5, 10, 20, 50, 100, 200, 500])
			if (bytes / (unit * part) < most)
				return unit * part;
	return bytes / most;
}

function tickText(bytes, step) {
	const names = ["KiB", "MiB", "GiB", "TiB", "PiB"];
	let unit = KB, i = 0;
	for (; i < 4 && step >= unit * 1024; i++)
		unit *= 1024;
	return bytes ? bytes / unit + " " + names[i] : "0";
}

// ---- labels

const GAP = 6, FARTHEST = 190, BELOW = 60;

function distance(at, from, to) {
	return at < from ? from - at : at > to ? at - to : 0;
}

// Whether the leader from a place to a label's box goes through another box.
function leadsThrough({ x, y }, box, other) {
	const toX = Math.min(Math.max(x, box.left), box.left + box.width);
	const toY = Math.min(Math.max(y, box.top), box.top + box.height);
	let from = 0, to = 1;
	for (const [change, room] of [[x - toX, x - other.left], [toX - x, other.left + other.width - x],
		[y - toY, y - other.top], [toY - y, other.top + other.height - y]]) {
		if (change < 0)
			from = Math.max(from, room / change);
		else if (change > 0)
			to = Math.min(to, room / change);
		else if (room < 0)
			return false;
	}
	return from <= to;
}

// room: left, top, width, height, and highest and lowest, the curve's y at each column.
function placeLabels(room, labels) {
	const right = room.left + room.width, bottom = room.top + room.height;

	function curve(from, to) {
		let highest = bottom, lowest = room.top;
		const last = Math.min(room.highest.length - 1, Math.floor(to - room.left + GAP));
		for (let i = Math.max(0, Math.floor(from - room.left - GAP)); i <= last; i++) {
			highest = Math.min(highest, room.highest[i]);
			lowest = Math.max(lowest, room.lowest[i]);
		}
		return [highest, lowest];
	}

	// A box without a label is where no label may be.
	function inTheWay(label, box, other) {
		const taken = other.box;
		return taken && ((box.left < taken.left + taken.width + 2 * GAP &&
			taken.left < box.left + box.width + 2 * GAP &&
			box.top < taken.top + taken.height + GAP &&
			taken.top < box.top + box.height + GAP) ||
			(!other.wall && (leadsThrough(label, box, taken) || leadsThrough(other, taken, box))));
	}

	function isFree(label, box) {
		return box.left >= room.left && box.top >= room.top && box.left + box.width <= right &&
			box.top + box.height <= bottom && !labels.some((other) => inTheWay(label, box, other));
	}

	for (const label of labels.filter((one) => !one.box)) {
		const half = label.height / 2;
		let nearest = FARTHEST, best = null;
		for (const shift of [-1, -0.75, -0.5, -0.25, 0]) {
			let left = label.x + shift * label.width + (shift === -1 ? -12 : shift === 0 ? 12 : 0);
			if (shift === -0.5)
				left = Math.min(Math.max(left, room.left), right - label.width);
			const [highest, lowest] = curve(left, left + label.width);
			for (const above of [true, false]) {
				let top = above ? Math.min(highest - GAP, label.y + half) - label.height :
					Math.max(lowest + GAP, label.y - half);
				for (let i = 0; i < 9; i++, top += above ? -17 : 17) {
					const away = distance(label.x, left, left + label.width) +
						distance(label.y, top, top + label.height) + (above ? 0 : BELOW);
					const box = { left, top, width: label.width, height: label.height,
						below: !above };
					if (away >= nearest)
						break;
					if (isFree(label, box)) {
						nearest = away;
						best = box;
						break;
					}
				}
			}
		}
		label.box = best;
	}
}
