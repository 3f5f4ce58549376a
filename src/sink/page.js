// What every page that stands in an SVG file has: elements, colours, the picture on paper. Names are
// only ever set as text.

const svg = document.documentElement;
const source = svg.querySelector("script.data");
// Inside another page the picture stays a picture.
if (svg.localName !== "svg" || !source || !window.Map)
	return;

const HTML = "http://www.w3.org/1999/xhtml";

// ---- elements

function element(tag, attributes, ...children) {
	const made = document.createElementNS(HTML, tag);
	for (const key in attributes)
		made.setAttribute(key, attributes[key]);
	made.append(...children);
	return made;
}

function button(text, title, action) {
	const made = element("button", { type: "button", title: title }, text);
	made.addEventListener("click", action);
	return made;
}

function pair(label, ...buttons) {
	return element("span", { class: "pair", role: "group", "aria-label": label }, ...buttons);
}

function text(tag, content, attributes) {
	const made = element(tag, attributes || {}, content);
	made.title = content;
	return made;
}

// As C's printf rounds: what lies exactly between two goes to the even one (toFixed: away from 0).
function fixed(value, decimals) {
	const scaled = value * 10 ** decimals, below = Math.floor(scaled);
	const between = scaled - below === 0.5 && Number.isInteger(value * 2 ** (decimals + 1));
	return (between && below % 2 === 0 ? below / 10 ** decimals : value).toFixed(decimals);
}

const picture = { box: svg.getAttribute("viewBox"), height: svg.style.height };

// The page fills the window; the picture has a size of its own.
function showPage() {
	svg.removeAttribute("viewBox");
	svg.setAttribute("height", "100%");
	svg.style.height = "";
	svg.classList.add("live");
}

function showPicture() {
	svg.setAttribute("viewBox", picture.box);
	svg.removeAttribute("height");
	svg.style.height = picture.height;
}

// Puts the page over the picture.
function showInPage(app) {
	const frame = document.createElementNS(svg.namespaceURI, "foreignObject");
	frame.setAttribute("width", "100%");
	frame.setAttribute("height", "100%");
	frame.append(app);
	svg.append(frame);
	svg.removeAttribute("role");
	svg.removeAttribute("aria-labelledby");
	showPage();
}

// ---- theme

const themes = ["auto", "light", "dark"];
const themeButton = button("Theme", "", nextTheme);

function setTheme(theme) {
	if (theme === "auto")
		svg.removeAttribute("data-theme");
	else
		svg.setAttribute("data-theme", theme);
	themeButton.textContent = { auto: "◐ Auto", light: "○ Light", dark: "● Dark" }[theme];
	themeButton.title = "Colours: " + theme + (theme === "auto" ? " (as the system)" : "");
	themeButton.dataset.theme = theme;
	try {
		localStorage.setItem("pyspyc-theme", theme);
	} catch (error) {
		// No storage here: the choice lasts as long as the page.
	}
}

function nextTheme() {
	setTheme(themes[(themes.indexOf(themeButton.dataset.theme) + 1) % themes.length]);
}

function firstTheme() {
	let theme = null;
	try {
		theme = localStorage.getItem("pyspyc-theme");
	} catch (error) {
		theme = null;
	}
	setTheme(themes.includes(theme) ? theme : "auto");
}
