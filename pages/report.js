'use strict';
(() => {
const data = JSON.parse(document.getElementById('data').textContent);
const main = document.getElementById('main');
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
const colors = dark
	? ['#7fb0ff', '#ffb454', '#7bd88f', '#ff8f8f', '#c9a0ff', '#5fd4d6', '#f0e06a', '#ff9edb']
	: ['#1f5fbf', '#c46a00', '#1c8743', '#c0303a', '#7a3fc2', '#087f83', '#8a7800', '#b8328a'];
const color = i => colors[i % colors.length];

function make(tag, text, attributes, parent) {
	const svg = ['svg', 'g', 'rect', 'line', 'circle', 'text', 'title', 'polyline'].includes(tag);
	const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
	if (text !== null)
		element.textContent = text;
	for (const [name, value] of Object.entries(attributes || {}))
		element.setAttribute(name, value);
	if (parent)
		parent.append(element);
	return element;
}

// ---- numbers as people read them ----

const round = (x, digits = 3) => String(Number(x.toPrecision(digits)));
function seconds(s) {
	if (s === null || s === undefined)
		return '–';
	for (const [unit, size] of [['d', 86400], ['h', 3600], ['min', 60]])
		if (s >= 2 * size)
			return round(s / size) + ' ' + unit;
	return s >= 1 || s === 0 ? round(s) + ' s' : round(s * 1000) + ' ms';
}
const percent = x => x === null || x === undefined ? '–' : round(100 * x) + ' %';
const plain = x => x === null || x === undefined ? '–' : round(x);

function tiles(parent, pairs) {
	const grid = make('div', null, { class: 'tiles' }, parent);
	for (const [what, value] of pairs) {
		const tile = make('div', null, { class: 'tile' }, grid);
		make('b', value, {}, tile);
		make('span', what, {}, tile);
	}
}

// ---- time series ----

function stayAt(stays, t) {
	let low = 0, high = stays.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (stays[middle][1] <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? stays[low - 1] : null;
}

// The path in use, as a band at the foot of the plot.
function band(stays) {
	return (context, area, graph) => {
		const [from, to] = graph.xAxisRange();
		let drawn = -1;
		for (const [path, begin, end] of stays) {
			if (1000 * end < from || 1000 * begin > to)
				continue;
			const left = Math.max(area.x, graph.toDomXCoord(1000 * begin));
			const right = Math.min(area.x + area.w, graph.toDomXCoord(1000 * end));
			if (right - drawn < 0.3) // hundreds of stays in a pixel
				continue;
			context.fillStyle = color(path);
			context.fillRect(left, area.y + area.h - 12, Math.max(0.3, right - left), 12);
			drawn = right;
		}
	};
}

function clock(trace, t) {
	return new Date(1000 * (trace.began + t)).toISOString().replace('T', ' ').slice(0, 21) + ' UTC';
}

function say(trace, stays, t, values) {
	const stay = stayAt(stays, t);
	const parts = [clock(trace, t)];
	if (stay)
		parts.push('in use: ' + trace.paths[stay[0]].name + ' (' + stay[3] + ', since ' + seconds(t - stay[1]) + ')');
	return parts.concat(values).join('   ');
}

function plot(trace, parent, title, unit, low, pick, bars) {
	const stays = trace.stays || [], step = 1000 * trace.length_s / trace.intervals;
	make('h3', title, {}, parent);
	const box = make('div', null, { class: low ? 'plot low' : 'plot', role: 'img', 'aria-label': title }, parent);
	const said = make('div', 'Point at the plot for values; drag to zoom, double-click to go back.',
		{ class: 'said', role: 'status' }, parent);
	const rows = [];
	for (let i = 0; i < trace.intervals; i++)
		rows.push([step * (i + 0.5), ...trace.paths.map(path => pick(path)[i])]);
	return new Dygraph(box, rows, {
		labels: ['time', ...trace.paths.map((path, i) => i + ' ' + path.name)],
		colors: trace.paths.map((_, i) => color(i)),
		customBars: bars, connectSeparatedPoints: false, drawPoints: trace.paths.some(path => sparse(pick(path))),
		pointSize: 1.5, strokeWidth: 1.3, fillAlpha: 0.18, stepPlot: false, animatedZooms: false,
		includeZero: true, yRangePad: 14, legend: 'never', ylabel: unit, yLabelWidth: 16,
		axisLineColor: getComputedStyle(document.body).getPropertyValue('--line'),
		gridLineColor: getComputedStyle(document.body).getPropertyValue('--line'),
		underlayCallback: band(stays),
		axes: { x: { valueFormatter: String, axisLabelFormatter: ms => seconds(ms / 1000), pixelsPerLabel: 80 } },
		highlightCallback: (event, ms, points) => {
			said.textContent = say(trace, stays, ms / 1000, points
				.filter(point => Number.isFinite(point.yval))
				.map(point => trace.paths[parseInt(point.name, 10)].name + ' ' + round(point.yval) + ' ' + unit));
		},
	});
}

const sparse = list => list.filter(x => x !== null).length < list.length / 2;

// ---- stays ----

function histogram(trace, parent) {
	const dwell = trace.stays.map(stay => stay[2] - stay[1]).filter(s => s > 0);
	if (dwell.length < 2)
		return;
	const from = Math.floor(3 * Math.log10(dwell.reduce((a, b) => Math.min(a, b))));
	const to = Math.floor(3 * Math.log10(dwell.reduce((a, b) => Math.max(a, b)))) + 1;
	const counts = new Array(to - from).fill(0);
	for (const s of dwell)
		counts[Math.min(counts.length - 1, Math.floor(3 * Math.log10(s)) - from)]++;
	const most = counts.reduce((a, b) => Math.max(a, b)), width = 420, height = 200, foot = 40;
	const box = make('div', null, {}, parent);
	make('h3', 'How long the paths were kept', {}, box);
	const svg = make('svg', null, { viewBox: `0 0 ${width} ${height}`, role: 'img',
		'aria-label': `Histogram of ${dwell.length} stays` }, box);
	counts.forEach((count, i) => {
		const x = 10 + i * (width - 20) / counts.length, h = (height - foot - 15) * count / most;
		const edge = j => seconds(Math.pow(10, (from + j) / 3));
		const bar = make('rect', null, { class: 'bar', x: x + 1, y: height - foot - h,
			width: (width - 20) / counts.length - 2, height: h }, svg);
		make('title', `${edge(i)} to ${edge(i + 1)}: ${count}`, {}, bar);
		if (counts.length <= 6 || i % Math.ceil(counts.length / 6) === 0)
			make('text', edge(i), { x, y: height - foot + 16, class: 'dim' }, svg);
	});
	make('text', `stays: ${dwell.length}, at most ${most} in a class`, { x: 10, y: height - 6, class: 'dim' }, svg);
}

function matrix(trace, parent) {
	const counts = trace.exposure && trace.exposure.where.transitions;
	if (!counts)
		return;
	const most = counts.flat().reduce((a, b) => Math.max(a, b), 1);
	const box = make('div', null, {}, parent);
	make('h3', 'From which path to which', {}, box);
	const table = make('table', null, { class: 'matrix' }, make('div', null, { class: 'scroll' }, box));
	const head = make('tr', null, {}, make('thead', null, {}, table));
	make('th', 'from \\ to', { scope: 'col' }, head);
	for (const path of trace.paths)
		make('th', path.name, { scope: 'col' }, head);
	const body = make('tbody', null, {}, table);
	counts.forEach((row, i) => {
		const line = make('tr', null, {}, body);
		make('th', trace.paths[i].name, { scope: 'row' }, line);
		for (const count of row) {
			const share = Math.round(70 * count / most);
			make('td', String(count), { style: `background: color-mix(in srgb, var(--accent) ${share}%, transparent)` }, line);
		}
	});
}

function reasons(trace) {
	const counts = {};
	for (const stay of trace.stays)
		counts[stay[3]] = (counts[stay[3]] || 0) + 1;
	return Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([reason, n]) => `${reason} ${n}`).join(', ');
}

function exposure(trace, parent) {
	const e = trace.exposure;
	if (!e)
		return;
	const window = e.windows[2], total = e.by_bytes.max === null ? e.by_time : e.by_bytes;
	make('h3', 'What the paths could learn', {}, parent);
	tiles(parent, [
		['busiest path, whole run', percent(total.max)],
		['busiest path within 30 s', percent(window.max_share.mean)],
		['… more than 60 % of it', percent(window.over_60)],
		['effective paths', plain(total.effective_paths)],
		['best guess: ends within 0.1 s', percent(e.when.guess)],
		['next path foreseen', percent(e.where.predictor)],
		['… blind guessing', percent(e.where.chance)],
		['downlink lag, p95', seconds(e.handover.lag_s.p95)],
	]);
	make('p', 'comps-exposure(1) says what these figures mean, and what they do not.', {}, parent);
}

function showTrace(trace) {
	const section = make('section', null, {}, main);
	make('h2', `${trace.file}, run ${trace.run}`, {}, section);
	tiles(section, [
		['from (UTC)', clock(trace, 0).slice(0, 16)], ['length', seconds(trace.length_s)],
		['probes', trace.samples.toLocaleString('en')], ['mode', trace.mode],
		...(trace.stays ? [['migrations', reasons(trace)]] : []),
	]);
	const key = make('div', null, { class: 'key' }, section);
	trace.paths.forEach((path, i) => {
		const item = make('span', null, {}, key);
		make('i', '', { style: `background: ${color(i)}` }, item);
		item.append(path.name);
	});
	if (trace.stays)
		make('p', 'The band at the foot of a plot is the path in use.', {}, section);
	const graphs = [
		plot(trace, section, 'Round trip, with the least and the largest of each interval', 'ms', false, path => path.rtt_ms, true),
		plot(trace, section, 'Lost probes', '%', true, path => path.loss, false),
	];
	Dygraph.synchronize && Dygraph.synchronize(graphs);
	if (trace.stays) {
		const columns = make('div', null, { class: 'columns' }, section);
		histogram(trace, columns);
		matrix(trace, columns);
		exposure(trace, section);
	}
}

// ---- policies side by side ----

const figures = {
	rtt_mean_s: ['mean round trip', seconds], rtt_p50_s: ['p50', seconds], rtt_p95_s: ['p95', seconds],
	loss: ['loss', percent], outage_s: ['outage', seconds], migrations: ['migrations', plain],
	dwell_mean_s: ['mean stay', seconds], dwell_p95_s: ['p95 of stays', seconds],
	busiest_share: ['busiest path, of the time', percent], busiest_share_30s: ['busiest path within 30 s', percent],
	longest_share: ['most in one stay', percent], cv: ['cv of stays', plain], guess: ['best guess when', percent],
	predictor: ['next path foreseen', percent], entropy_bits: ['entropy of the next path', plain],
};
const moreIsBetter = ['cv', 'entropy_bits', 'migrations'];
const known = (rows, name) => rows.some(row => row.figures[name] !== null);
const title = row => row.policy + (row.params ? ' ' + row.params : '');

// Those that no other is better than in both figures.
function front(rows, x, y) {
	const cost = (row, name) => row.figures[name] * (moreIsBetter.includes(name) ? -1 : 1);
	return rows.filter(a => a.figures[x] !== null && a.figures[y] !== null && !rows.some(b =>
		b.figures[x] !== null && b.figures[y] !== null && cost(b, x) <= cost(a, x) && cost(b, y) <= cost(a, y) &&
		(cost(b, x) < cost(a, x) || cost(b, y) < cost(a, y))));
}

function scatter(box, rows, x, y) {
	box.textContent = '';
	const shown = rows.filter(row => row.figures[x] !== null && row.figures[y] !== null);
	if (!shown.length)
		return;
	const width = 720, height = 420, left = 70, foot = 45, best = front(rows, x, y);
	const scale = (name, low, high) => {
		const values = shown.map(row => row.figures[name]);
		let min = values.reduce((a, b) => Math.min(a, b)), max = values.reduce((a, b) => Math.max(a, b));
		const pad = (max - min || Math.abs(max) || 1) * 0.08;
		min = min >= 0 ? Math.max(0, min - pad) : min - pad;
		max += pad;
		return Object.assign(v => low + (v - min) / (max - min) * (high - low), { min, max });
	};
	const sx = scale(x, left, width - 40), sy = scale(y, height - foot, 15);
	const svg = make('svg', null, { viewBox: `0 0 ${width} ${height}`, role: 'img',
		'aria-label': `${figures[y][0]} against ${figures[x][0]}` }, box);
	for (let i = 0; i <= 4; i++) {
		const vx = sx.min + (sx.max - sx.min) * i / 4, vy = sy.min + (sy.max - sy.min) * i / 4;
		make('line', null, { class: 'axis', x1: sx(vx), x2: sx(vx), y1: 15, y2: height - foot }, svg);
		make('line', null, { class: 'axis', x1: left, x2: width - 40, y1: sy(vy), y2: sy(vy) }, svg);
		make('text', figures[x][1](vx), { class: 'dim', x: sx(vx), y: height - foot + 16, 'text-anchor': 'middle' }, svg);
		make('text', figures[y][1](vy), { class: 'dim', x: left - 6, y: sy(vy) + 4, 'text-anchor': 'end' }, svg);
	}
	make('text', figures[x][0], { x: width / 2, y: height - 6, 'text-anchor': 'middle' }, svg);
	make('text', figures[y][0], { x: -height / 2, y: 14, transform: 'rotate(-90)', 'text-anchor': 'middle' }, svg);
	const ordered = [...best].sort((a, b) => a.figures[x] - b.figures[x]);
	make('polyline', null, { class: 'front', points: ordered.map(row => `${sx(row.figures[x])},${sy(row.figures[y])}`).join(' ') }, svg);
	const names = [...new Set(rows.map(row => row.policy))];
	for (const row of shown) {
		const onFront = best.includes(row), cx = sx(row.figures[x]), cy = sy(row.figures[y]);
		const dot = make('circle', null, { cx, cy, r: onFront ? 6 : 4, fill: color(names.indexOf(row.policy)) }, svg);
		make('title', `${title(row)}: ${figures[x][1](row.figures[x])}, ${figures[y][1](row.figures[y])}`, {}, dot);
		if (onFront && best.length <= 12)
			make('text', row.policy, { x: cx + (cx > width - 150 ? -9 : 9), y: cy - 6, 'text-anchor': cx > width - 150 ? 'end' : 'start' }, svg);
	}
}

function policyTable(section, rows, columns) {
	const table = make('table', null, {}, make('div', null, { class: 'scroll' }, section));
	const head = make('tr', null, {}, make('thead', null, {}, table));
	const body = make('tbody', null, {}, table);
	const fill = list => {
		body.textContent = '';
		for (const row of list) {
			const line = make('tr', null, row.front ? { class: 'front' } : {}, body);
			make('td', title(row), {}, line);
			make('td', String(row.seeds), {}, line);
			for (const name of columns)
				make('td', figures[name][1](row.figures[name]), {}, line);
		}
	};
	const heading = (text, value) => {
		const cell = make('th', null, { scope: 'col' }, head);
		make('button', text, { title: 'sort' }, cell).onclick = () =>
			fill([...rows].sort((a, b) => value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
	};
	heading('policy', title);
	heading('seeds', row => row.seeds);
	for (const name of columns)
		heading(figures[name][0], row => row.figures[name] === null ? Infinity : row.figures[name]);
	fill(rows);
	return fill;
}

function showReplays(rows) {
	const section = make('section', null, {}, main);
	const columns = Object.keys(figures).filter(name => known(rows, name));
	make('h2', 'Policies side by side', {}, section);
	make('p', 'Means over the seeds. A diamond marks those that no other is better than in both figures of the plot.', {}, section);
	const chosen = { x: 'rtt_mean_s', y: columns.includes('busiest_share_30s') ? 'busiest_share_30s' : 'busiest_share' };
	const choices = make('div', null, {}, section), box = make('div', null, {}, section);
	const draw = () => {
		const best = front(rows, chosen.x, chosen.y);
		for (const row of rows)
			row.front = best.includes(row);
		scatter(box, rows, chosen.x, chosen.y);
	};
	draw();
	const fill = policyTable(section, rows, columns);
	for (const axis of ['x', 'y']) {
		const select = make('select', null, {}, make('label', axis + ': ', {}, choices));
		for (const name of columns)
			make('option', figures[name][0], { value: name }, select);
		select.value = chosen[axis];
		select.onchange = () => {
			chosen[axis] = select.value;
			draw();
			fill(rows);
		};
	}
}

document.getElementById('about').textContent = `comps ${data.version}`;
data.traces.forEach(showTrace);
if (data.replays.length)
	showReplays(data.replays);
})();
