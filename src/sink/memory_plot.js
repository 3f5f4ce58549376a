// The page: a chart that fills the window, beside it what was at the time pointed at. Names are only
// ever set as text.

const model = makeModel(JSON.parse(source.textContent));
const data = model.data, many = model.layers.length > 1;
const state = {
	from: 0, to: data.span, at: null, pinned: false, process: -1, zero: true, ran: -1,
	off: new Set(), hidden: new Set(), // lines and layers that are not shown
};
const times = [...new Set(model.time)]; // at which there is a point
let view = null, drag = null, written = null;

const ui = {
	chart: element("div", { class: "chart", tabindex: "0", role: "application",
		"aria-label": "Memory over time. Arrow keys move the cursor, Enter fixes it, plus and minus zoom, Escape shows everything." }),
	panel: element("aside", { "aria-label": "At the cursor" }),
	when: element("h2", {}),
	sizes: element("dl", {}),
	processes: element("ul", { class: "processes", "aria-label": "Processes" }),
	running: element("h3", {}),
	stack: element("ol", { class: "stack", "aria-label": "Stack, innermost first" }),
	growers: element("ul", { class: "growers", "aria-label": "Lines that grew most" }),
	reset: button("Reset zoom", "Show everything (Escape)", () => zoom(0, data.span)),
	zero: button("From 0", "Let the axis of sizes begin at 0", () => {
		state.zero = !state.zero;
		redraw();
	}),
	status: element("div", { class: "status", "aria-live": "polite" }),
	note: element("div", { class: "note" }),
};
const canvas = shape("svg", { class: "canvas" });
const cursor = shape("g", { class: "cursor" });

// ---- what was at a time

function timeOf(ticks) {
	return timeText(ticks * data.tick, Math.max(data.tick, 10 ** Math.floor(Math.log10(
		Math.max(1, (state.to - state.from) * data.tick / 2000)))));
}

// The process that grew most at the time, or else the largest.
function likelyProcess(time) {
	let best = -1, most = -Infinity;
	model.processes.forEach((one, process) => {
		const point = pointAt(model, process, time);
		if (point < 0 || state.hidden.has(one.layer))
			return;
		const before = model.time[point] === time ? pointAt(model, process, time - 1) : -1;
		const grown = before < 0 ? 0 : Math.max(0, model.rss[point] - model.rss[before]);
		if (grown + model.rss[point] * 1e-6 > most) {
			most = grown + model.rss[point] * 1e-6;
			best = process;
		}
	});
	return best;
}

// Sums at a time, of each size and of each layer.
function sumsAt(time) {
	const sums = { rss: 0, pss: 0, uss: 0, swap: 0, layers: new Map(), read: true };
	model.processes.forEach((one, process) => {
		const point = pointAt(model, process, time);
		if (point < 0 || state.hidden.has(one.layer))
			return;
		sums.read = sums.read && !isUnread(model, point);
		for (const size of ["rss", ...SIZES])
			sums[size] += model[size] ? model[size][point] : 0;
		sums.layers.set(one.layer, (sums.layers.get(one.layer) || 0) + model.rss[point]);
	});
	return sums;
}

// The program without its folder, for there is little room.
function processText(process) {
	const one = model.processes[process];
	return one ? one.pid + (one.command ? " " + one.command.replace(/^[^ ]*\//, "") : "") : "";
}

// ---- the panel

function showSizes(sums) {
	ui.sizes.replaceChildren();
	for (const size of ["rss", ...SIZES.filter((one) => model[one])]) {
		const value = sizeAt(sums, size);
		ui.sizes.append(element("dt", { class: size }, element("i", { class: "key " + size }),
			SIZE_NAMES[size] || (many ? "RSS of all" : "RSS")),
		element("dd", size === "rss" ? {} : { title: "as last read" }, value === null ? "–" :
			sizeText(value)));
	}
}

// One row for each layer, which is the legend as well: the uppermost first.
function showProcesses(sums) {
	const rows = model.layers.slice().reverse().map((layer) => {
		const first = model.processes.indexOf(layer.processes[0]);
		const size = sums.layers.get(layer.number);
		const name = layer.processes.length > 1 ? layer.processes.length + " others" :
			processText(first);
		const toggle = element("button", { type: "button", class: "swatch p" + layer.number,
			"aria-pressed": !state.hidden.has(layer.number), "aria-label": "Show " + name });
		const chosen = layer.processes.some((one) => model.processes[state.process] === one);
		const row = element("li", { class: chosen ? "chosen" : "", "data-layer": layer.number }, toggle,
			element("span", { title: layer.processes.length > 1 ? name :
				layer.processes[0].command }, name), element("b", {}, size === undefined ? "" : sizeText(size)));
		toggle.addEventListener("click", () => {
			state.hidden[state.hidden.has(layer.number) ? "delete" : "add"](layer.number);
			redraw();
		});
		row.lastChild.addEventListener("click", () => chooseProcess(first));
		row.children[1].addEventListener("click", () => chooseProcess(first));
		return row;
	});
	const focus = document.activeElement && document.activeElement.getAttribute("aria-label");
	ui.processes.replaceChildren(...rows);
	for (const toggle of ui.processes.querySelectorAll("button"))
		if (focus && toggle.getAttribute("aria-label") === focus)
			toggle.focus();
}

function chooseProcess(process) {
	state.process = process;
	showTime();
}

function showStack(process, time) {
	const point = process < 0 ? -1 : pointAt(model, process, time);
	const frames = point < 0 ? [] : framesOf(model, model.stack[point]);
	ui.running.textContent = many && process >= 0 ? "Running in " + processText(process) : "Running";
	ui.stack.replaceChildren(...frames.map(([name, place]) =>
		element("li", {}, text("span", name || "?"), text("em", place))));
	if (!frames.length)
		ui.stack.append(element("li", { class: "none" }, "No Python code was seen running"));
	return frames;
}

function showGrowers() {
	ui.growers.replaceChildren(...model.growers.map(({ frame, grown, released }) => {
		const [name, place] = frameText(model, frame);
		const row = element("button", { type: "button", "aria-pressed": state.ran === frame,
			title: "Show when this line ran" }, element("b", {}, "+" + sizeText(grown)),
		element("span", {}, name), element("em", {}, place +
			(released ? "  (−" + sizeText(released) + ")" : "")));
		row.addEventListener("click", () => {
			state.ran = state.ran === frame ? -1 : frame;
			redraw();
		});
		return element("li", {}, row);
	}));
}

function showTime() {
	const time = state.at === null ? data.peakAt : state.at, sums = sumsAt(time);
	const chosen = state.process >= 0 && pointAt(model, state.process, time) >= 0;
	const process = chosen ? state.process : likelyProcess(time);
	const clock = clockText(data, time * data.tick, 1e9);
	ui.when.textContent = (state.at === null ? "At the peak, " : "") + timeOf(time) +
		(clock ? " · " + clock : "") + (state.pinned ? " · fixed" : "");
	showSizes(sums);
	if (many)
		showProcesses(sums);
	const frames = showStack(process, time);
	const line = frames.length ? " · " + frames[0].filter(Boolean).join(" ") : "";
	if (state.at !== null)
		ui.status.textContent = timeOf(time) + " · " + sizeText(sums.rss) + line;
	else
		ui.status.textContent = "Point at the chart, drag to zoom, click to fix; arrow keys move, " +
			"Enter fixes, + and − zoom, Escape shows everything";
	showCursor(time, sums);
}

function showCursor(time, sums) {
	cursor.replaceChildren();
	if (!view || state.at === null || time < view.from || time > view.to)
		return;
	const x = view.x(time), y = view.y(sums.rss), label = timeOf(time) + "  " + sizeText(sums.rss);
	const width = label.length * 6.6 + 12, left = Math.min(Math.max(x - width / 2, view.left),
		view.right - width);
	cursor.append(shape("path", { class: state.pinned ? "hair fixed" : "hair",
		d: `M${x.toFixed(1)} ${view.top}V${view.bottom + (view.faults ? BAND : 0)}` }),
	shape("circle", { class: "at", cx: x.toFixed(1), cy: y.toFixed(1), r: 4 }),
	shape("rect", { class: "flag", x: left.toFixed(1), y: view.top - 6, width: width.toFixed(1),
		height: 19, rx: 4 }),
	shape("text", { class: "flag-text", x: (left + width / 2).toFixed(1), y: view.top + 7.5,
		"text-anchor": "middle" }, label));
}

// ---- the chart

function redraw() {
	const box = ui.chart.getBoundingClientRect();
	if (box.width < 40 || box.height < 40)
		return;
	view = makeView(model, state, box.width, box.height);
	canvas.setAttribute("width", box.width);
	canvas.setAttribute("height", box.height);
	canvas.replaceChildren(drawChart(view, model, state), cursor);
	ui.reset.disabled = state.from === 0 && state.to === data.span;
	ui.zero.setAttribute("aria-pressed", state.zero);
	for (const toggle of document.querySelectorAll(".app .toggle"))
		toggle.setAttribute("aria-pressed", !state.off.has(toggle.dataset.line));
	showGrowers();
	showTime();
	remember();
}

function zoom(from, to) {
	const least = Math.min(data.span, Math.max(20, 2e5 / data.tick)), middle = (from + to) / 2;
	if (to - from < least) {
		from = middle - least / 2;
		to = middle + least / 2;
	}
	const width = Math.min(to - from, data.span);
	state.from = Math.max(0, Math.min(from, data.span - width));
	state.to = state.from + width;
	redraw();
}

function moveTo(time, pinned) {
	const i = lastUpTo(times.length, (n) => times[n], time);
	if (!times.length)
		return;
	// The nearest point in time.
	const next = Math.min(times.length - 1, i + 1);
	state.at = i < 0 || times[next] - time < time - times[i] ? times[next] : times[i];
	state.pinned = pinned;
	showTime();
}

// ---- the address

// Times in seconds.
function remember() {
	const parts = new URLSearchParams(), ticks = SECOND / data.tick;
	const put = (name, time) => parts.set(name, Number((time / ticks).toPrecision(9)));
	if (state.from > 0 || state.to < data.span) {
		put("from", state.from);
		put("to", state.to);
	}
	if (state.pinned)
		put("at", state.at);
	const hash = parts.toString() ? "#" + parts : "";
	if (hash === written || (written === null && !hash))
		return;
	written = hash;
	try {
		history.replaceState(null, "", hash || location.pathname + location.search);
	} catch (error) {
		written = hash; // an address that scripts may not rewrite
	}
}

function restore() {
	const parts = new URLSearchParams(location.hash.slice(1));
	const number = (name, otherwise) => {
		const value = parts.get(name) === null ? NaN : Number(parts.get(name)) * SECOND / data.tick;
		return value >= 0 && value <= data.span ? value : otherwise;
	};
	const from = number("from", 0), to = number("to", data.span);
	state.at = null;
	state.pinned = false;
	zoom(from < to ? from : 0, from < to ? to : data.span);
	if (number("at", null) !== null)
		moveTo(number("at", 0), true);
}
