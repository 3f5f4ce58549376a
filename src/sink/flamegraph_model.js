// What is drawn, apart from how: trees of frames, by line and by function, and searching them.
// A tree is a set of arrays over its nodes, parents before children, the root at 0.

const LINE = 2, FIRST_LINE = 3, FUNCTION = 4, ORIGIN = 5, COLOUR = 6, FIELDS = 7;

function makeModel(data) {
	function field(frame, which) {
		return data.frames[frame * FIELDS + which];
	}

	function name(frame) {
		return frame < 0 ? "all" : data.strings[field(frame, 0)];
	}

	// file:line; the whole function's place is its first line.
	function place(frame, whole) {
		const file = frame < 0 ? -1 : field(frame, 1);
		if (file < 0)
			return "";
		const line = field(frame, LINE) && whole ?
			field(frame, FIRST_LINE) || field(frame, LINE) : field(frame, LINE);
		return data.strings[file] + (line ? ":" + line : "");
	}

	function emptyTree(count) {
		return {
			count: count, rows: 1,
			parent: new Int32Array(count), depth: new Int32Array(count),
			frame: new Int32Array(count).fill(-1), end: new Int32Array(count),
			start: new Float64Array(count), total: new Float64Array(count),
			self: new Float64Array(count),
			line: new Int32Array(count), // the (first) node by line that it stands for
		};
	}

	// Sets start, end (behind the last descendant) and rows.
	function finish(tree) {
		const used = new Float64Array(tree.count);
		tree.end.fill(0);
		for (let i = 0; i < tree.count; i++) {
			if (i) {
				const parent = tree.parent[i];
				tree.start[i] = tree.start[parent] + used[parent];
				used[parent] += tree.total[i];
			}
			tree.rows = Math.max(tree.rows, tree.depth[i] + 1);
		}
		for (let i = tree.count - 1; i >= 0; i--) {
			tree.end[i] = Math.max(tree.end[i], i + 1);
			if (i)
				tree.end[tree.parent[i]] = Math.max(tree.end[tree.parent[i]], tree.end[i]);
		}
		return tree;
	}

	function byLine() {
		const tree = emptyTree(data.nodes.length / 4 + 1), path = [0];
		tree.total[0] = data.total;
		for (let i = 1, at = 0; i < tree.count; i++, at += 4) {
			const depth = data.nodes[at];
			path[depth] = i;
			tree.parent[i] = path[depth - 1];
			tree.depth[i] = depth;
			tree.frame[i] = data.nodes[at + 1];
			tree.total[i] = data.nodes[at + 2];
			tree.self[i] = data.nodes[at + 3];
			tree.line[i] = i;
		}
		return finish(tree);
	}

	// Nodes of one function below one merged parent become one.
	function byFunction(lines) {
		const merged = [{ from: 0, total: data.total, self: 0, children: new Map() }];
		const into = new Int32Array(lines.count);
		for (let i = 1; i < lines.count; i++) {
			const siblings = merged[into[lines.parent[i]]].children;
			const key = field(lines.frame[i], FUNCTION);
			let at = siblings.get(key);
			if (at === undefined) {
				at = merged.length;
				siblings.set(key, at);
				merged.push({ from: i, total: 0, self: 0, children: new Map() });
			}
			into[i] = at;
			merged[at].total += lines.total[i];
			merged[at].self += lines.self[i];
		}
		const tree = emptyTree(merged.length), places = new Int32Array(merged.length);
		const stack = [[0, 0, 0]];
		for (let i = 0; stack.length; i++) {
			const [at, parent, depth] = stack.pop(), node = merged[at];
			places[at] = i;
			tree.parent[i] = parent;
			tree.depth[i] = depth;
			tree.frame[i] = lines.frame[node.from];
			tree.total[i] = node.total;
			tree.self[i] = node.self;
			tree.line[i] = node.from;
			// The last one pushed comes first: the widest.
			[...node.children.values()].sort((a, b) => merged[a].total - merged[b].total)
				.forEach((child) => stack.push([child, i, depth + 1]));
		}
		finish(tree);
		tree.ofLine = into.map((at) => places[at]);
		return tree;
	}

	const trees = { line: byLine() };
	trees.function = byFunction(trees.line);
	trees.line.ofLine = trees.line.line;

	// A test of a frame's text, or null for none; throws for a bad expression.
	function matcher(text, regex) {
		if (!text)
			return null;
		if (regex) {
			const expression = new RegExp(text, "i");
			return (subject) => expression.test(subject);
		}
		const small = text.toLowerCase();
		return (subject) => subject.toLowerCase().includes(small);
	}

	// Which nodes match, and the samples that have a match in their stack: in all, and below
	// `zoomed`. Samples below two matches count once.
	function search(tree, test, zoomed) {
		const known = new Map(), whole = tree === trees.function;
		const hits = new Uint8Array(tree.count);
		const result = { hits: hits, frames: 0, samples: 0, zoomed: 0 };
		function matches(frame) {
			if (!known.has(frame)) {
				const where = place(frame, whole);
				known.set(frame, test(name(frame) + (where ? " (" + where + ")" : "")));
			}
			return known.get(frame);
		}
		const above = new Uint8Array(tree.count); // the node or one above it matches
		for (let i = 1; i < tree.count; i++) {
			hits[i] = matches(tree.frame[i]) ? 1 : 0;
			result.frames += hits[i];
			if (hits[i] && !above[tree.parent[i]])
				result.samples += tree.total[i];
			above[i] = hits[i] | above[tree.parent[i]];
		}
		if (above[zoomed]) {
			result.zoomed = tree.total[zoomed];
		} else {
			for (let i = zoomed + 1; i < tree.end[zoomed]; i++)
				if (hits[i] && !above[tree.parent[i]])
					result.zoomed += tree.total[i];
		}
		return result;
	}

	return {
		data: data, trees: trees, name: name, place: place, matcher: matcher, search: search,
		colour: (frame) => frame < 0 ? 15 : field(frame, COLOUR),
		origin: (frame) => frame < 0 ? "" : data.origins[field(frame, ORIGIN)][0],
		mergeable: trees.function.count < trees.line.count,
	};
}
