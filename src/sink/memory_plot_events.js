// What mouse, fingers and keys do, and how the page is put together.

function placeOf(event) {
	const box = ui.chart.getBoundingClientRect();
	return [event.clientX - box.left, event.clientY - box.top];
}

// The process whose layer is at a place of the chart.
function processAt(y, time) {
	const sums = sumsAt(time);
	let sum = 0;
	for (const layer of model.layers) {
		sum += sums.layers.get(layer.number) || 0;
		if (view.y(sum) <= y && sums.layers.get(layer.number)) {
			const alive = layer.processes.map((one) => model.processes.indexOf(one))
				.filter((process) => pointAt(model, process, time) >= 0);
			return y <= view.bottom && alive.length ? alive[0] : -1;
		}
	}
	return -1;
}

function pointTo(event) {
	const [x, y] = placeOf(event);
	moveTo(view.time(Math.min(Math.max(x, view.left), view.right)), false);
	const process = many ? processAt(y, state.at) : -1;
	if (process !== state.process) {
		state.process = process;
		showTime();
	}
}

function showBand(x) {
	const from = Math.min(x, drag.x), to = Math.max(x, drag.x);
	drag.band.setAttribute("x", from);
	drag.band.setAttribute("width", to - from);
}

function pressed(event) {
	const [x] = placeOf(event);
	if (event.button || !view)
		return;
	drag = { x: Math.min(Math.max(x, view.left), view.right), moved: false, id: event.pointerId,
		touch: event.pointerType === "touch", band: shape("rect", { class: "band", y: view.top,
			height: view.bottom - view.top }) };
	if (drag.touch)
		pointTo(event);
	else
		ui.chart.setPointerCapture(event.pointerId);
}

function moved(event) {
	const [x] = placeOf(event), at = view && Math.min(Math.max(x, view.left), view.right);
	if (!view)
		return;
	if (drag && !drag.touch && Math.abs(x - drag.x) > 4)
		drag.moved = true;
	if (drag && drag.moved) {
		showBand(at);
		canvas.append(drag.band);
		moveTo(view.time(at), false);
	} else if (!state.pinned || (drag && drag.touch)) {
		pointTo(event);
	}
}

function released(event) {
	const was = drag, [x] = placeOf(event);
	drag = null;
	if (!was || !view)
		return;
	was.band.remove();
	if (was.moved) {
		const at = Math.min(Math.max(x, view.left), view.right);
		state.at = null;
		zoom(view.time(Math.min(at, was.x)), view.time(Math.max(at, was.x)));
	} else if (!was.touch) {
		const pinned = state.pinned;
		pointTo(event);
		state.pinned = !pinned;
		showTime();
		remember();
	}
}

function left(event) {
	if (!drag && event.pointerType !== "touch" && !state.pinned && document.activeElement !== ui.chart) {
		state.at = null;
		state.process = -1;
		showTime();
	}
}

function step(by) {
	const now = state.at === null ? data.peakAt : state.at;
	const columns = view.right - view.left, wide = (view.to - view.from) / columns;
	let place = lastUpTo(times.length, (i) => times[i], now);
	// At least a pixel, at least one point.
	for (const wanted = now + by * wide; by > 0 ? times[place + 1] < wanted : times[place] > wanted;)
		place += Math.sign(by);
	if (times[place] === now)
		place += Math.sign(by);
	place = Math.min(Math.max(place, 0), times.length - 1);
	moveTo(times[place], false);
	if (state.at < view.from || state.at > view.to)
		zoom(state.at - (view.to - view.from) / 2, state.at + (view.to - view.from) / 2);
}

function nextProcess(by) {
	const time = state.at === null ? data.peakAt : state.at;
	const alive = model.processes.map((one, i) => i).filter((i) => pointAt(model, i, time) >= 0 &&
		!state.hidden.has(model.processes[i].layer));
	if (many && alive.length)
		chooseProcess(alive[(alive.indexOf(state.process) + by + alive.length) % alive.length]);
}

function zoomBy(factor) {
	const middle = state.at === null ? (state.from + state.to) / 2 : state.at;
	const share = (middle - state.from) / (state.to - state.from), width = (state.to - state.from) * factor;
	zoom(middle - width * share, middle + width * (1 - share));
}

function showAll() {
	state.pinned = false;
	state.at = null;
	state.process = -1;
	state.ran = -1;
	zoom(0, data.span);
}

function key(event) {
	if (event.ctrlKey || event.metaKey || event.altKey)
		return;
	const many10 = event.shiftKey ? 20 : 1, onChart = event.target === ui.chart;
	const actions = {
		Escape: showAll, "+": () => zoomBy(0.5), "=": () => zoomBy(0.5), "-": () => zoomBy(2),
	};
	if (onChart || event.target === document.body || event.target === svg) {
		Object.assign(actions, {
			ArrowLeft: () => step(-many10), ArrowRight: () => step(many10),
			ArrowUp: () => nextProcess(1), ArrowDown: () => nextProcess(-1),
			Home: () => moveTo(view.from, false), End: () => moveTo(view.to, false),
			Enter: () => {
				moveTo(state.at === null ? data.peakAt : state.at, !state.pinned);
				remember();
			},
		});
	}
	if (view && Object.hasOwn(actions, event.key)) {
		actions[event.key]();
		event.preventDefault();
	}
}

function listen() {
	ui.chart.addEventListener("pointerdown", pressed);
	ui.chart.addEventListener("pointermove", moved);
	ui.chart.addEventListener("pointerup", released);
	ui.chart.addEventListener("pointercancel", () => {
		if (drag)
			drag.band.remove();
		drag = null;
	});
	ui.chart.addEventListener("pointerleave", left);
	ui.chart.addEventListener("dblclick", showAll);
	document.addEventListener("keydown", key);
	window.addEventListener("hashchange", restore);
	new ResizeObserver(redraw).observe(ui.chart);
	window.addEventListener("beforeprint", showPicture);
	window.addEventListener("afterprint", () => {
		showPage();
		redraw();
	});
}

// ---- the page

function toggleOf(line, label) {
	const made = button("", "Show or hide " + label, () => {
		state.off[state.off.has(line) ? "delete" : "add"](line);
		redraw();
	});
	made.className = "toggle";
	made.dataset.line = line;
	made.append(element("i", { class: "key " + line }), label);
	return made;
}

function buildPanel() {
	ui.panel.append(ui.when, ui.sizes);
	if (many)
		ui.panel.append(element("h3", {}, "Processes"), ui.processes);
	ui.panel.append(ui.running, ui.stack);
	if (model.growers.length)
		ui.panel.append(element("h3", {}, "Lines that grew most"), ui.growers);
}

function build() {
	const bar = element("div", { class: "bar", role: "toolbar", "aria-label": "View" });
	for (const size of SIZES)
		if (model[size])
			bar.append(toggleOf(size, SIZE_NAMES[size]));
	if (model.faulted)
		bar.append(toggleOf("faults", "Page faults"));
	bar.append(element("span", { class: "gap" }), ui.reset, ui.zero, themeButton);
	const header = element("header", {}, text("h1", data.title || "pyspyc"), text("p", data.facts));
	if (data.summary)
		header.append(text("p", data.summary));
	header.append(model.count ? bar : element("div", { class: "bar" }, themeButton));
	const main = element("main", {});
	if (model.count) {
		ui.chart.append(canvas);
		buildPanel();
		main.append(ui.chart, ui.panel);
	} else {
		main.append(element("div", { class: "empty" }, element("b", {}, "Nothing was recorded"),
			"The memory of no Python process was seen while this ran."));
	}
	if (!many && model.processes.length)
		ui.note.append("process " + processText(0) + (model.processes[0].version ?
			", Python " + model.processes[0].version : ""));
	showInPage(element("div", { class: "app memory", lang: "en" }, header, main,
		element("footer", {}, ui.status, ui.note)));
}

build();
firstTheme();
if (model.count) {
	listen();
	restore();
}
