// The page: a header with the controls, rows of frames that scroll, and a line about the frame
// pointed at. Names are only ever set as text.

// A recording with memory has several figures, each with a tree of its own; the first tells which.
const FIGURES = { time: "Time", grown: "RSS grown", released: "RSS released" };
const sources = [...svg.querySelectorAll("script.data")];
const models = sources.map(() => null); // made when they are shown first
let model, data, UNIT;

function useFigure(figure) {
	if (!models[figure])
		models[figure] = makeModel(JSON.parse(sources[figure].textContent));
	model = models[figure];
	data = model.data;
	UNIT = data.bytes ? "bytes" : "samples";
}

useFigure(0);
const names = data.figures;
const ROW = 20, LETTER = 7.3;
const state = { figure: 0, zoom: 0, search: "", regex: false, flame: false, function: false };
const elements = new Map(); // node → its element
let tree = model.trees.line, found = null, focused = 0, drawnHash = null;

// ---- elements

const ui = {
	input: element("input", {
		type: "search", placeholder: "Search functions and files ( / )", spellcheck: "false",
		autocomplete: "off", "aria-label": "Search functions and files",
	}),
	regex: button(".*", "Regular expression", () => change({ regex: !state.regex })),
	found: element("span", { class: "found", role: "status" }),
	zoomOut: button("Reset zoom", "Show everything (Escape)", () => zoomTo(0)),
	icicle: button("Icicle", "Roots at the top", () => change({ flame: false })),
	flame: button("Flame", "Roots at the bottom", () => change({ flame: true })),
	line: button("By line", "One frame for each line", () => change({ function: false })),
	function: button("By function", "All lines of a function in one frame",
		() => change({ function: true })),
	figures: names.map((name, figure) => button(FIGURES[name],
		"What widths show (m: the next)", () => change({ figure: figure }))),
	theme: themeButton,
	title: text("h1", ""),
	facts: text("p", ""),
	nothing: element("div", { class: "empty" }),
	legend: element("ul", { class: "legend", "aria-label": "Colours" }),
	main: element("main", {}),
	rows: element("div", { class: "rows", role: "tree", "aria-label": "Call stacks" }),
	status: element("div", { class: "status", "aria-live": "polite" }),
	note: element("div", { class: "note" }),
	tip: element("div", { class: "tip", hidden: "" }),
};

function build() {
	const bar = element("div", { class: "bar", role: "toolbar", "aria-label": "View" },
		element("span", { class: "find", role: "search" }, ui.input, ui.regex), ui.found,
		element("span", { class: "gap" }), ui.zoomOut, pair("Direction", ui.icicle, ui.flame));
	if (model.mergeable || sources.length > 1)
		bar.append(pair("Merge", ui.line, ui.function));
	if (sources.length > 1)
		bar.append(pair("Figure", ...ui.figures));
	bar.append(ui.theme);
	const header = element("header", {}, ui.title, ui.facts);
	if (data.summary)
		header.append(text("p", data.summary));
	ui.main.append(ui.rows);
	const app = element("div", { class: "app", lang: "en" }, header, ui.main,
		element("footer", {}, ui.status, ui.note), ui.tip);
	if (data.total || sources.length > 1)
		header.append(bar, ui.legend);
	else
		header.append(element("div", { class: "bar" }, ui.theme));
	showFigure();
	showInPage(app);
}

function setText(made, content) {
	made.textContent = made.title = content;
}

// What the header and the footer say of the figure shown.
function showFigure() {
	setText(ui.title, (state.figure && names[0] === "time" ? FIGURES[names[state.figure]] + ": " :
		"") + (data.title || "pyspyc"));
	setText(ui.facts, data.facts);
	ui.legend.replaceChildren();
	data.origins.forEach(([label, colour, samples], index) => {
		if (samples || index < 3)
			ui.legend.append(element("li", { title: data.bytes ?
				"Share of the bytes that came or went while such code ran" :
				"Share of the samples that ran such code" },
				element("i", { class: "c" + colour }), label + " " + share(samples, data.total)));
	});
	setText(ui.note, data.leftOut ? number(data.leftOut) + (data.leftOut === 1 ?
		" narrow frame (" : " narrow frames (") + share(data.leftOutSamples, data.total) +
		" of " + UNIT + ") left out" : "");
	if (data.total) {
		ui.nothing.remove();
	} else {
		ui.nothing.replaceChildren(element("b", {}, data.nothing), data.empty);
		ui.main.append(ui.nothing);
	}
}

// ---- numbers

function number(value) {
	return value.toLocaleString("en-US");
}

// As spy_put_bytes in bytes.c.
function bytes(value) {
	const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
	let left = value / 1024, unit = 0;
	if (value < 1024)
		return value + " B";
	for (; left >= 1023.5 && unit + 1 < units.length; unit++)
		left /= 1024;
	return fixed(left, left < 99.95 ? 1 : 0) + " " + units[unit];
}

function amount(samples) {
	return data.bytes ? bytes(samples) :
		number(samples) + (samples === 1 ? " sample" : " samples");
}

function share(part, whole) {
	const percent = whole ? 100 * part / whole : 0;
	if (part && percent < 0.1)
		return "<0.1 %";
	return part < whole && percent > 99.9 ? ">99.9 %" : fixed(percent, 1) + " %";
}

// The same in another way: the time that samples stand for, bytes to the last one.
function inOtherWords(samples) {
	if (data.bytes)
		return samples < 1024 ? "" : number(samples) + " B";
	if (!data.period)
		return "";
	const time = samples * data.period / 1e9;
	return time >= 100 ? time.toFixed(0) + " s" : time >= 1 ? time.toFixed(2) + " s" :
		time ? (time * 1e3).toPrecision(3) + " ms" : "";
}

// ---- drawing

// Left and width of a node, as shares of the width shown; null when it is not in view.
function extent(node) {
	const zoom = state.zoom;
	if (node < zoom ? tree.end[node] < tree.end[zoom] : node >= tree.end[zoom])
		return null;
	if (node < zoom)
		return { left: 0, width: 1 }; // above the zoomed
	return {
		left: (tree.start[node] - tree.start[zoom]) / (tree.total[zoom] || 1),
		width: tree.total[node] / (tree.total[zoom] || 1),
	};
}

// The nodes in view, row by row is not needed: parents come first.
function inView() {
	const nodes = [], zoom = state.zoom;
	for (let node = tree.parent[zoom], last = zoom; last; last = node, node = tree.parent[node])
		nodes.unshift(node);
	for (let node = zoom; node < tree.end[zoom]; node++)
		nodes.push(node);
	return nodes;
}

let view = { nodes: [], rows: 1 };

// The name, without the classes and functions around it where there is no room for them.
function setLabel(made, node, width) {
	const frame = tree.frame[node], where = model.place(frame, state.function);
	let name = model.name(frame);
	if (where && name.length * LETTER + 8 > width)
		name = name.slice(name.lastIndexOf(".") + 1) || name;
	made.textContent = width < 22 ? "" : name;
	if (where && width >= 60)
		made.append(element("span", {}, where));
}

function describe(node) {
	const frame = tree.frame[node], where = model.place(frame, state.function);
	return model.name(frame) + (where ? " (" + where + ")" : "") + ", " +
		amount(tree.total[node]) + ", " + share(tree.total[node], data.total);
}

function place(made, node, top, left, width) {
	const classes = ["f", "c" + model.colour(tree.frame[node])];
	if (width < 10)
		classes.push("thin");
	if (node < state.zoom)
		classes.push("up");
	if (found)
		classes.push(found.hits[node] ? "hit" : "dim");
	made.className = classes.join(" ");
	made.style.top = top + "px";
	made.style.left = left.toFixed(2) + "px";
	made.style.width = Math.max(width - (width > 3 ? 1 : width > 1 ? 0.3 : 0), 0.5).toFixed(2) + "px";
	made.tabIndex = node === focused ? 0 : -1;
	if (made.labelWidth !== width)
		setLabel(made, node, width);
	made.labelWidth = width;
	made.setAttribute("aria-level", tree.depth[node] + 1);
	if (found && found.hits[node])
		made.setAttribute("aria-current", "true");
	else
		made.removeAttribute("aria-current");
}

function makeFrame(node) {
	const made = element("div", { role: "treeitem", "data-node": node, "aria-label": describe(node) });
	elements.set(node, made);
	ui.rows.append(made);
	return made;
}

function topOf(node) {
	return (state.flame ? view.rows - 1 - tree.depth[node] : tree.depth[node]) * ROW;
}

// Draws what can be seen: rows near the part scrolled to, frames of a third of a pixel and more.
function draw() {
	const width = ui.rows.clientWidth, from = ui.main.scrollTop - 10 * ROW;
	const to = ui.main.scrollTop + ui.main.clientHeight + 10 * ROW, offset = ui.rows.offsetTop;
	const seen = new Set();
	for (const node of view.nodes) {
		const top = topOf(node);
		if ((top + offset < from || top + offset > to) && node !== focused)
			continue;
		const at = extent(node);
		if (!at || at.width * width < 0.3)
			continue;
		seen.add(node);
		place(elements.get(node) || makeFrame(node), node, top, at.left * width, at.width * width);
	}
	for (const [node, made] of elements) {
		if (!seen.has(node)) {
			elements.delete(node);
			made.remove();
		}
	}
}

// Draws from scratch, after a change of tree, zoom or search.
function redraw() {
	view.nodes = inView();
	view.rows = 1;
	for (const node of view.nodes)
		view.rows = Math.max(view.rows, tree.depth[node] + 1);
	ui.rows.style.height = view.rows * ROW + "px";
	ui.rows.classList.toggle("flame", state.flame);
	if (!elements.has(focused) && !extent(focused))
		focused = state.zoom;
	draw();
}

function animate() {
	ui.rows.classList.add("moving");
	clearTimeout(animate.timer);
	animate.timer = setTimeout(() => ui.rows.classList.remove("moving"), 260);
}

// ---- state

function showState() {
	ui.regex.setAttribute("aria-pressed", state.regex);
	ui.icicle.setAttribute("aria-pressed", !state.flame);
	ui.flame.setAttribute("aria-pressed", state.flame);
	ui.line.setAttribute("aria-pressed", !state.function);
	ui.function.setAttribute("aria-pressed", state.function);
	ui.figures.forEach((made, figure) => made.setAttribute("aria-pressed", figure === state.figure));
	ui.zoomOut.disabled = state.zoom === 0;
	if (ui.input.value !== state.search)
		ui.input.value = state.search;
}

function runSearch() {
	let test = null;
	found = null;
	ui.found.textContent = "";
	ui.input.removeAttribute("aria-invalid");
	try {
		test = model.matcher(state.search, state.regex);
	} catch (error) {
		ui.input.setAttribute("aria-invalid", "true");
		ui.found.textContent = "not a regular expression";
	}
	if (!test)
		return;
	found = model.search(tree, test, state.zoom);
	ui.found.append(element("b", {}, share(found.samples, data.total)), " of " + UNIT + " in " +
		number(found.frames) + (found.frames === 1 ? " frame" : " frames") + (state.zoom ?
		", " + share(found.zoomed, tree.total[state.zoom]) + " of the zoomed" : ""));
}

function fragment() {
	const parts = new URLSearchParams();
	if (state.figure)
		parts.set("figure", names[state.figure]);
	if (state.zoom)
		parts.set("zoom", tree.line[state.zoom]);
	if (state.search)
		parts.set("search", state.search);
	if (state.regex)
		parts.set("regex", "1");
	if (state.flame)
		parts.set("view", "flame");
	if (state.function)
		parts.set("merge", "function");
	return parts.toString();
}

// Keeps the state in the address. A zoom is a step that "back" undoes.
function remember(step) {
	const hash = "#" + fragment();
	if (hash === (location.hash || "#"))
		return;
	drawnHash = hash;
	try {
		history[step ? "pushState" : "replaceState"](null, "", hash);
	} catch (error) {
		location.hash = hash; // an address that scripts may not rewrite
	}
}

// The names of a node and those above it, root first.
function pathOf(node) {
	const path = [];
	for (; node; node = tree.parent[node])
		path.unshift(model.name(tree.frame[node]) + "\n" + model.place(tree.frame[node], state.function));
	return path;
}

// The node that a path of another figure's tree leads to, as far as there is one.
function follow(path) {
	let node = 0;
	for (const step of path) {
		let child = node + 1;
		while (child < tree.end[node] && model.name(tree.frame[child]) + "\n" +
		       model.place(tree.frame[child], state.function) !== step)
			child = tree.end[child];
		if (child >= tree.end[node])
			break;
		node = child;
	}
	return node;
}

function change(changes, options) {
	const before = tree, shown = model, line = tree.line[state.zoom], flipped = state.flame;
	const path = pathOf(state.zoom);
	Object.assign(state, changes);
	useFigure(state.figure);
	tree = state.function ? model.trees.function : model.trees.line;
	if (tree !== before) {
		elements.forEach((made) => made.remove());
		elements.clear();
		state.zoom = model === shown ? tree.ofLine[line] : follow(path);
		focused = state.zoom;
	} else if ("zoom" in changes) {
		animate();
	}
	if (model !== shown)
		showFigure();
	hideTip();
	runSearch();
	showState();
	redraw();
	if (flipped !== state.flame || "zoom" in changes)
		scrollToFrame(state.zoom);
	if (!options || !options.quiet)
		remember("zoom" in changes);
}

function zoomTo(node) {
	focused = node;
	if (node !== state.zoom)
		change({ zoom: node });
}

function scrollToFrame(node) {
	const top = topOf(node) + ui.rows.offsetTop, height = ui.main.clientHeight;
	if (state.flame)
		ui.main.scrollTop = top - height + 3 * ROW;
	else if (top < ui.main.scrollTop || top + 4 * ROW > ui.main.scrollTop + height)
		ui.main.scrollTop = top - 2 * ROW;
	draw();
}

// Takes the state from the address.
function restore() {
	if (drawnHash !== null && (location.hash || "#") === drawnHash)
		return;
	drawnHash = location.hash || "#";
	const parts = new URLSearchParams(location.hash.slice(1));
	const figure = Math.max(0, names.indexOf(parts.get("figure")));
	if (figure !== state.figure)
		change({ figure: figure }, { quiet: true });
	const byFunction = parts.get("merge") === "function" && model.mergeable;
	const wanted = byFunction ? model.trees.function : model.trees.line;
	const line = Number(parts.get("zoom"));
	const known = Number.isInteger(line) && line > 0 && line < model.trees.line.count;
	const changes = {
		search: parts.get("search") || "", regex: parts.get("regex") === "1",
		flame: parts.get("view") === "flame", function: byFunction,
	};
	if (wanted !== tree)
		change(changes, { quiet: true });
	focused = known ? wanted.ofLine[line] : 0;
	change(Object.assign(changes, { zoom: focused }), { quiet: true });
}
