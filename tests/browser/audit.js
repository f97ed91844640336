// What of a page can be told by looking at it: an array of sentences, one for each thing that is not as it should be.
(() => {
  const found = [];
  const name = (one) => `<${one.tagName.toLowerCase()}> ${(one.textContent || "").trim().slice(0, 40)}`;
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Structure.
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title) found.push("no title");
  if (all("h1").length !== 1) found.push("not one h1");
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) found.push(`heading ${name(heading)} comes after one of level ${level}`);
    level = own;
  }
  const ids = all("[id]").map((one) => one.id);
  if (new Set(ids).size !== ids.length) found.push("two elements have one id");
  for (const link of all("a")) {
    const target = link.getAttribute("href") || "";
    if (!target.startsWith("#") || !document.getElementById(target.slice(1))) found.push(`link ${target} leads nowhere`);
  }
  for (const table of all("table")) if (!table.caption) found.push(`table without a caption: ${name(table)}`);
  for (const head of all("th")) if (!head.scope) found.push(`th without a scope: ${name(head)}`);
  for (const picture of all("svg")) {
    if (picture.parentElement.closest("svg")) continue;
    if (picture.getAttribute("role") !== "img" || !picture.getAttribute("aria-label")) found.push("a picture without a text");
  }
  for (const field of all("input, select, textarea")) {
    if (!field.labels.length) found.push(`field without a label: ${field.id}`);
  }
  for (const labelled of all("[aria-labelledby]")) {
    if (!document.getElementById(labelled.getAttribute("aria-labelledby"))) found.push(`no label for ${name(labelled)}`);
  }
  for (const region of all(".scroll, pre")) {
    if (region.tabIndex !== 0) found.push(`what scrolls cannot be reached by key: ${name(region)}`);
  }
  for (const text of all(".text")) if (text.dir !== "auto") found.push(`a direction of ours: ${name(text)}`);
  const wide = document.documentElement.scrollWidth;
  if (wide > document.documentElement.clientWidth) found.push(`the page is ${wide} wide, and the window is not`);

  // Contrast: WCAG 2.2, 1.4.3 for text and 1.4.11 for parts of pictures.
  const parse = (color) => {
    const parts = (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const over = (top, under) => top.rgb.map((part, index) => part * top.alpha + under[index] * (1 - top.alpha));
  const backgroundOf = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const contrast = (color, one) => {
    const background = backgroundOf(one);
    const lights = [luminance(over(parse(color), background)), luminance(background)].sort((a, b) => b - a);
    return (lights[0] + 0.05) / (lights[1] + 0.05);
  };
  const faint = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let checked = 0;
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || one.closest("script, title, .hidden") || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const color = one.closest("svg") ? style.fill : style.color;
    const is = contrast(color, one);
    checked += 1;
    if (is < (isLarge ? 3 : 4.5)) faint.set(`${color} ${backgroundOf(one)}`, `contrast ${is.toFixed(2)}: ${name(one)}`);
  }
  if (checked < 50) found.push(`only ${checked} texts are shown`);
  for (const shape of all("svg :is(.kept, .dropped, .failed, .removed, .added, .spent), svg line.threshold")) {
    const style = getComputedStyle(shape);
    const is = contrast(shape.tagName === "line" ? style.stroke : style.fill, shape);
    const of = shape.getAttribute("class");
    if (is < 3) faint.set(of, `contrast ${is.toFixed(2)} of ${of}`);
  }
  return found.concat(...faint.values());
})()
