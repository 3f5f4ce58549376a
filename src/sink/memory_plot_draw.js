// The chart: axes, layers, lines, faults and labels of the range of time that is shown.

const LEFT = 84, TOP = 8, RIGHT = 18, AXIS = 42, BAND = 44, LETTER = 7, LEAST = 18;

function shape(tag, attributes, content) {
	const made = document.createElementNS(svg.namespaceURI, tag);
	for (const key in attributes)
		made.setAttribute(key, attributes[key]);
	if (content !== undefined)
		made.textContent = content;
	return made;
}

// What is where: pixels of times and sizes, and the moments to draw.
function makeView(model, state, width, height) {
	const faults = model.faulted && !state.off.has("faults");
	const view = {
		width, height, left: LEFT, top: TOP, from: state.from, to: state.to, faults,
		right: Math.max(LEFT + 20, width - RIGHT),
		bottom: Math.max(TOP + 20, height - AXIS - (faults ? BAND : 0)),
	};
	view.moments = momentsOf(model, state.from, state.to,
		Math.min(2000, Math.max(50, view.right - view.left)), state.hidden);
	view.lines = SIZES.filter((size) => model[size] && !state.off.has(size));
	let most = 0, least = Infinity;
	for (const moment of view.moments) {
		for (const size of view.lines.concat("rss")) {
			const value = sizeAt(moment, size) || 0;
			most = Math.max(most, value);
			if (value > 0)
				least = Math.min(least, value);
		}
	}
	if (model.limit && model.limit <= most * 1.5)
		view.limit = most = Math.max(most, model.limit);
	view.limit = view.limit ? model.limit : 0;
	view.base = state.zero || least === Infinity ? 0 : Math.max(0, least - (most - least) * 0.08);
	view.most = Math.max(view.base + (most - view.base) * 1.16, view.base + 1);
	view.x = (time) => view.left + (time - view.from) / (view.to - view.from) *
		(view.right - view.left);
	view.y = (size) => view.bottom - (size - view.base) / (view.most - view.base) *
		(view.bottom - view.top);
	view.time = (x) => view.from + (x - view.left) / (view.right - view.left) *
		(view.to - view.from);
	return view;
}

function drawAxes(view, data, into) {
	const step = sizeStep(view.most - view.base, Math.max(2, (view.bottom - view.top) / 46));
	for (let at = Math.ceil(view.base / step) * step; at <= view.most; at += step) {
		const y = view.y(at).toFixed(1);
		into.append(shape("path", { class: at ? "grid" : "grid zero",
			d: `M${view.left} ${y}H${view.right}` }));
		into.append(shape("text", { class: "tick", x: view.left - 8, y: Number(y) + 4,
			"text-anchor": "end" }, tickText(at, step)));
	}
	const tick = data.tick, span = (view.to - view.from) * tick;
	const every = timeStep(span, Math.max(2, (view.right - view.left) / 100));
	const foot = view.bottom + (view.faults ? BAND : 0);
	for (let at = Math.ceil(view.from * tick / every) * every; at <= view.to * tick; at += every) {
		const x = view.x(at / tick), anchor = x < view.left + 16 ? "start" : x > view.right - 16 ?
			"end" : "middle";
		into.append(shape("path", { class: "grid",
			d: `M${x.toFixed(1)} ${view.top}V${foot + 4}` }));
		for (const [y, text] of [[18, timeText(at, every)],
			[33, every >= SECOND ? clockText(data, at, every) : ""]])
			if (text)
				into.append(shape("text", { class: "tick", x: x.toFixed(1), y: foot + y,
					"text-anchor": anchor }, text));
	}
}

// A path through the moments, with gaps where value is null. What is level takes two points.
function pathOf(view, value) {
	const parts = [];
	let latest = null, level = null;
	const put = (moment, size, letter) => parts.push(letter + view.x(moment.time).toFixed(1) + " " +
		view.y(size).toFixed(1));
	for (const moment of view.moments) {
		const size = value(moment);
		if (size !== null && size === latest) {
			level = moment;
			continue;
		}
		if (level)
			put(level, latest, "L");
		if (size !== null)
			put(moment, size, latest === null ? "M" : "L");
		latest = size;
		level = null;
	}
	if (level)
		put(level, latest, "L");
	return parts.join("");
}

function drawLayers(view, model, state, into) {
	if (!view.moments.length)
		return;
	const floor = `V${view.bottom}H${view.x(view.moments[0].time).toFixed(1)}Z`;
	const many = model.layers.length > 1;
	const shown = model.layers.filter((layer) => !state.hidden.has(layer.number));
	for (let i = shown.length; i--;) {
		const below = shown.slice(0, i + 1).map((layer) => layer.number);
		into.append(shape("path", {
			class: many ? "layer p" + shown[i].number : "area", "data-layer": shown[i].number,
			d: pathOf(view, (m) => below.reduce((sum, n) => sum + m.layers[n], 0)) + floor,
		}));
	}
	into.append(shape("path", { class: "line rss", d: pathOf(view, (moment) => moment.rss) }));
	for (const size of view.lines)
		into.append(shape("path", { class: "line " + size,
			d: pathOf(view, (moment) => sizeAt(moment, size)) }));
}

function drawLimit(view, model, into) {
	if (!view.limit)
		return;
	const y = view.y(view.limit);
	into.append(shape("path", { class: "limit", d: `M${view.left} ${y.toFixed(1)}H${view.right}` }));
	into.append(shape("text", { class: "limit-text", x: view.left + 8, y: (y - 5).toFixed(1) },
		"limit " + sizeText(view.limit) + (["", "/"].includes(model.data.limitName) ? "" :
			" of " + model.data.limitName)));
}

function drawFaults(view, model, into) {
	if (!view.faults)
		return;
	const buckets = Math.max(10, Math.floor((view.right - view.left) / 2));
	const { all, major } = faultsOf(model, view.from, view.to, buckets);
	const most = Math.max(...all), foot = view.bottom + BAND, width = (view.right - view.left) / buckets;
	for (const [values, name] of [[all, "faults"], [major, "major"]]) {
		let path = "";
		values.forEach((value, i) => {
			if (value > 0)
				path += `M${(view.left + i * width).toFixed(1)} ${foot}v${-Math.max(1,
					value / most * (BAND - 14)).toFixed(1)}h${width.toFixed(2)}V${foot}z`;
		});
		into.append(shape("path", { class: name, d: path }));
	}
	into.append(shape("path", { class: "grid zero", d: `M${view.left} ${foot}H${view.right}` }));
	const rate = most < 10000 ? most.toFixed(0) + "/s" : (most / 1000).toFixed(0) + " k/s";
	for (const [y, text] of [[16, "faults"], [2, rate]])
		into.append(shape("text", { class: "tick", x: view.left - 8, y: foot - y,
			"text-anchor": "end" }, text));
}

// The part of a climb's curve that is in view. At its first moment there may be what was before, too,
// at its last what came then.
function momentsIn(view, climb) {
	const inside = view.moments.filter(({ time }, i) => time >= climb.from && time <= climb.to &&
		!(i + 1 < view.moments.length && view.moments[i + 1].time === climb.from));
	const end = inside.findIndex(({ time, rss }) => time === climb.to && rss >= climb.high - MB / 16);
	return end < 0 ? inside : inside.slice(0, end + 1);
}

// Where the part of a climb that is in view reaches half of its height; half way along where
// processes began or ended.
function middleOf(view, climb) {
	const moments = momentsIn(view, climb).filter(({ time }) => time >= view.from && time <= view.to);
	if (!moments.length)
		return { time: (Math.max(climb.from, view.from) + Math.min(climb.to, view.to)) / 2,
			size: climb.low };
	if (Math.abs(climb.high - climb.low - climb.grown) > MB / 16) {
		const time = (Math.max(climb.from, view.from) + Math.min(climb.to, view.to)) / 2;
		const b = moments.find((moment) => moment.time > time) || moments[moments.length - 1];
		const a = moments[moments.indexOf(b) - 1] || b;
		return { time, size: b.time > a.time ?
			a.rss + (b.rss - a.rss) * (time - a.time) / (b.time - a.time) : b.rss };
	}
	const size = (moments[0].rss + moments[moments.length - 1].rss) / 2;
	const i = Math.max(0, moments.findIndex(({ rss }) => rss >= size));
	const b = moments[i], a = moments[i - 1] || b;
	return { time: b.rss > a.rss ? a.time + (b.time - a.time) * (size - a.rss) / (b.rss - a.rss) : b.time,
		size };
}

// How high and how low the curve gets in each column of pixels.
function roomOf(view) {
	const columns = Math.floor(view.right - view.left) + 1;
	const room = {
		left: view.left, top: view.top, width: view.right - view.left,
		height: view.bottom - view.top,
		highest: new Float64Array(columns).fill(view.bottom),
		lowest: new Float64Array(columns).fill(view.top),
	};
	for (let j = 0; j + 1 < view.moments.length; j++) {
		const a = view.moments[j], b = view.moments[j + 1];
		const from = view.x(a.time) - view.left, to = view.x(b.time) - view.left;
		const y = view.y(a.rss), slope = to > from ? (view.y(b.rss) - y) / (to - from) : 0;
		for (let i = Math.max(0, Math.floor(from)); i <= to && i < columns; i++) {
			for (const at of [Math.max(i, from), Math.min(i + 1, to)]) {
				const here = to > from ? y + slope * (at - from) : at === to ? view.y(b.rss) : y;
				room.highest[i] = Math.min(room.highest[i], here);
				room.lowest[i] = Math.max(room.lowest[i], here);
			}
			if (to <= from)
				room.highest[i] = Math.min(room.highest[i], y, view.y(b.rss));
		}
	}
	return room;
}

// "+29.4 MB", or "9.5 of +29.4 MB" when that is all that the line it is named by had of it.
function growthText(climb) {
	const whole = sizeText(climb.grown), part = sizeText(climb.ofStack);
	if (climb.stack < 0 || climb.ofStack >= climb.grown * 0.9)
		return "+" + whole;
	const [number, unit] = part.split(" ");
	return `${whole.endsWith(" " + unit) ? number : part} of +${whole}`;
}

// Labels of what is in view: the highest peak, then climbs, then other peaks.
function labelsOf(view, model) {
	const inside = (time) => time >= view.from && time <= view.to, tick = model.data.tick;
	const peaks = model.peaks.filter((peak) => inside(peak.at)).map((peak) => {
		const told = model.climbs.some((climb) => climb.from <= peak.at &&
			climb.to >= peak.at - model.data.span / 10 && climb.high >= peak.rss * 0.9);
		return { time: peak.at, size: peak.rss, peak: true, second: "peak " + sizeText(peak.rss),
			frame: told ? -1 : lineOf(model, peak.stack) };
	});
	const climbs = model.climbs.map((climb) => ({
		climb, ...middleOf(view, climb),
		frame: lineOf(model, climb.stack),
		second: `${growthText(climb)} in ${durationText((climb.to - climb.from) * tick)}`,
	})).filter(({ climb }) => climb.from < view.to && climb.to > view.from &&
		climb.grown >= view.most / LEAST &&
		(climb.to - climb.from < (view.to - view.from) * 4));
	const labels = peaks.slice(0, 1).concat(climbs.slice(0, 6), peaks.slice(1, 3));
	for (const label of labels) {
		const [name, place] = frameText(model, label.frame);
		label.name = cut(name, place ? 26 : 46);
		label.place = cut(place, 45 - [...label.name].length);
		label.first = label.name + (label.place ? " " + label.place : "");
		label.x = view.x(label.time);
		label.y = view.y(label.size);
		label.width = Math.max([...label.first].length, label.second.length) * LETTER + 4;
		label.height = label.first ? 32 : 17;
	}
	return labels;
}

function cut(text, most) {
	const letters = [...text];
	return letters.length <= most ? text : letters.slice(0, Math.max(0, most - 1)).join("") + "…";
}

function drawLabels(view, model, into) {
	const labels = labelsOf(view, model);
	// Nothing on the limit's line and text.
	const limit = view.limit ? [{ wall: true, box: { left: view.left, top: view.y(view.limit) - 16,
		width: view.right - view.left, height: 16 } }] : [];
	placeLabels(roomOf(view), labels.concat(limit));
	for (const { climb } of labels.filter((label) => label.climb && label.box)) {
		const part = { x: view.x, y: view.y, moments: momentsIn(view, climb) };
		into.append(shape("path", { class: "climb", d: pathOf(part, (moment) => moment.rss) }));
	}
	const shown = labels.filter((label) => label.box);
	for (const label of shown) {
		const box = label.box;
		const x = Math.min(Math.max(label.x, box.left), box.left + box.width);
		const y = Math.min(Math.max(label.y, box.top), box.top + box.height);
		into.append(shape("path", { class: "leader",
			d: `M${label.x.toFixed(1)} ${label.y.toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}` }),
		shape("circle", { class: label.peak ? "dot top" : "dot", cx: label.x.toFixed(1),
			cy: label.y.toFixed(1), r: 3.5 }));
	}
	for (const label of shown) {
		const box = label.box, group = shape("g", { class: "mark", "data-time": label.time });
		if (box.below)
			group.append(shape("rect", { class: "paper", x: box.left - 3, y: box.top - 1,
				width: box.width + 6, height: box.height + 3, rx: 4 }));
		let line = box.top + 12;
		if (label.first) {
			const text = shape("text", { class: "label code", x: (box.left + 2).toFixed(1), y: line },
				label.name);
			text.append(shape("tspan", { class: "where" }, label.place ? " " + label.place : ""));
			group.append(text);
			line += 15;
		}
		group.append(shape("text", { class: "label", x: (box.left + 2).toFixed(1), y: line },
			label.second));
		into.append(group);
	}
}

// The times at which a line of code ran while memory grew.
function drawRan(view, model, frame, into) {
	const columns = new Set();
	for (let i = 0; frame >= 0 && i < model.count; i++)
		if (model.time[i] >= view.from && model.time[i] <= view.to &&
			lineOf(model, model.stack[i]) === frame)
			columns.add(Math.round(view.x(model.time[i])));
	into.append(shape("path", { class: "ran",
		d: [...columns].map((x) => `M${x} ${view.top}V${view.bottom}`).join("") }));
}

function drawChart(view, model, state) {
	const chart = shape("g", { class: model.layers.length > 1 ? "many" : "" });
	const inside = shape("g", { "clip-path": "url(#pyspyc-inside)" });
	const clip = shape("clipPath", { id: "pyspyc-inside" });
	clip.append(shape("rect", { x: view.left, y: 0, width: view.right - view.left,
		height: view.bottom }));
	chart.append(clip);
	drawAxes(view, model.data, chart);
	drawLayers(view, model, state, inside);
	if (state.ran >= 0)
		drawRan(view, model, state.ran, inside);
	chart.append(inside);
	drawLimit(view, model, chart);
	drawFaults(view, model, chart);
	const marks = shape("g", {});
	drawLabels(view, model, marks);
	chart.append(marks);
	return chart;
}
