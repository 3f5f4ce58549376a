// What mouse and keys do.

function nodeOf(target) {
	const made = target instanceof Element ? target.closest("[data-node]") : null;
	return made ? Number(made.dataset.node) : -1;
}

function figures(node) {
	const rows = [["Total", tree.total[node]], ["Self", tree.self[node]]];
	const list = element("dl", {});
	for (const [label, samples] of rows) {
		list.append(element("dt", {}, label), element("dd", {}, amount(samples)),
			element("dd", {}, inOtherWords(samples)), element("dd", {},
				share(samples, data.total) + (state.zoom ? " of all, " +
				share(samples, tree.total[state.zoom]) + " of the zoomed" : "")));
	}
	return list;
}

function showStatus(node) {
	const frame = tree.frame[node], where = model.place(frame, state.function);
	const time = inOtherWords(tree.total[node]);
	ui.status.textContent = model.name(frame) + (where ? " (" + where + ")" : "") + " – " +
		amount(tree.total[node]) + (time ? " (" + time + ")" : "") + ", " +
		share(tree.total[node], data.total) + " of all" + (state.zoom ? ", " +
		share(tree.total[node], tree.total[state.zoom]) + " of the zoomed" : "") +
		", self " + share(tree.self[node], data.total);
}

function showTip(node, x, y) {
	const frame = tree.frame[node], where = model.place(frame, state.function);
	const origin = model.origin(frame);
	ui.tip.replaceChildren(element("b", {}, model.name(frame)));
	if (where)
		ui.tip.append(element("em", {}, where + " · " + origin));
	ui.tip.append(figures(node));
	ui.tip.hidden = false;
	moveTip(x, y);
}

function moveTip(x, y) {
	const box = ui.tip.getBoundingClientRect();
	const left = Math.min(x + 14, innerWidth - box.width - 8);
	const top = y + 20 + box.height > innerHeight ? y - box.height - 12 : y + 20;
	ui.tip.style.left = Math.max(8, left) + "px";
	ui.tip.style.top = Math.max(8, top) + "px";
}

function hideTip() {
	ui.tip.hidden = true;
	ui.tip.node = -1;
}

function showHint() {
	ui.status.textContent = "Click or Enter zooms, Escape goes back, arrow keys move, / searches";
}

// Moves the focus; a frame that is not in view shows where it is first.
function focusFrame(node) {
	if (node < 0)
		return;
	if (!extent(node))
		change({ zoom: node });
	focused = node;
	draw();
	const made = elements.get(node), top = topOf(node) + ui.rows.offsetTop;
	if (top < ui.main.scrollTop || top + 2 * ROW > ui.main.scrollTop + ui.main.clientHeight) {
		ui.main.scrollTop = top - ui.main.clientHeight / 2;
		draw();
	}
	if (made)
		made.focus({ preventScroll: true });
	showStatus(node);
}

function widestChild(node) {
	return node + 1 < tree.end[node] ? node + 1 : -1;
}

function sibling(node, step) {
	const parent = tree.parent[node];
	let before = -1;
	for (let at = parent + 1; node && at < tree.end[parent]; at = tree.end[at]) {
		if (step < 0 && at === node)
			return before;
		if (before === node)
			return at;
		before = at;
	}
	return -1;
}

// Arrows go where they point to in the picture.
function frameKey(event, node) {
	const deeper = state.flame ? "ArrowUp" : "ArrowDown";
	const shallower = state.flame ? "ArrowDown" : "ArrowUp";
	switch (event.key) {
	case "Enter":
	case " ":
		zoomTo(node);
		focusFrame(node);
		break;
	case deeper:
		focusFrame(widestChild(node));
		break;
	case shallower:
		focusFrame(node ? tree.parent[node] : -1);
		break;
	case "ArrowLeft":
		focusFrame(sibling(node, -1));
		break;
	case "ArrowRight":
		focusFrame(sibling(node, 1));
		break;
	case "Home":
		focusFrame(state.zoom);
		break;
	default:
		return;
	}
	event.preventDefault();
}

function findNext() {
	if (!found || !found.frames)
		return;
	const from = document.activeElement === ui.input ? state.zoom - 1 : focused;
	for (let step = 1; step <= tree.count; step++) {
		const node = (from + step + tree.count) % tree.count;
		const at = found.hits[node] ? extent(node) : null;
		if (at && at.width * ui.rows.clientWidth >= 0.5) {
			focusFrame(node);
			return;
		}
	}
}

function pageKey(event) {
	const typing = event.target === ui.input;
	if ((event.key === "f" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) ||
	    (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey)) {
		// A second Ctrl-F is the browser's own.
		if (typing && event.key === "f")
			return;
		ui.input.focus();
		ui.input.select();
		event.preventDefault();
	} else if (event.key === "Escape") {
		if (typing && state.search)
			change({ search: "" });
		else if (state.zoom)
			zoomTo(0);
		else if (state.search)
			change({ search: "" });
		if (typing)
			ui.input.blur();
		event.preventDefault();
	} else if (event.key === "Enter" && typing) {
		findNext();
		event.preventDefault();
	} else if (!typing && event.key === "m" && sources.length > 1 && !event.ctrlKey &&
		   !event.metaKey && !event.altKey) {
		change({ figure: (state.figure + 1) % sources.length });
	} else if (!typing && nodeOf(event.target) >= 0 && !event.ctrlKey && !event.metaKey &&
		   !event.altKey) {
		if (event.key === "n" && found)
			findNext();
		else
			frameKey(event, nodeOf(event.target));
	}
}

function listen() {
	ui.input.addEventListener("input", () => change({ search: ui.input.value }));
	document.addEventListener("keydown", pageKey);
	ui.rows.addEventListener("click", (event) => {
		const node = nodeOf(event.target);
		if (node >= 0)
			zoomTo(node);
	});
	ui.rows.addEventListener("mousemove", (event) => {
		const node = nodeOf(event.target);
		if (node < 0) {
			hideTip();
		} else if (node !== ui.tip.node) {
			ui.tip.node = node;
			showStatus(node);
			showTip(node, event.clientX, event.clientY);
		} else {
			moveTip(event.clientX, event.clientY);
		}
	});
	ui.rows.addEventListener("mouseleave", () => {
		hideTip();
		showHint();
	});
	ui.rows.addEventListener("focusin", (event) => {
		const node = nodeOf(event.target);
		if (node >= 0)
			showStatus(node);
	});
	let waiting = false;
	ui.main.addEventListener("scroll", () => {
		hideTip();
		if (!waiting) {
			waiting = true;
			requestAnimationFrame(() => {
				waiting = false;
				draw();
			});
		}
	}, { passive: true });
	window.addEventListener("resize", draw);
	window.addEventListener("hashchange", restore);
	window.addEventListener("popstate", restore);
	// On paper the whole picture is better than a part of a page that scrolls.
	window.addEventListener("beforeprint", showPicture);
	window.addEventListener("afterprint", () => {
		showPage();
		draw();
	});
}

build();
firstTheme();
if (data.total || sources.length > 1) {
	listen();
	showHint();
	restore();
	if (state.flame)
		scrollToFrame(0);
} else {
	ui.rows.remove();
}
