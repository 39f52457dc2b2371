// What is wrong with the page as it is shown now, and with each question that it can ask; a sentence for each.
const done = arguments[arguments.length - 1];

const scrolls = (element) =>
  element && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));

// Lies outside of the window, where nobody can scroll to it.
const isCutOff = (element) => {
  const box = element.getBoundingClientRect();
  const outside = box.right > innerWidth + 1 || box.left < -1;
  return box.width > 1 && outside && !element.closest('.skip') && !scrolls(element);
};

const told = (rule) => `${rule.impact} ${rule.id}, ${rule.help}: ` + rule.nodes
  .map((node) => `${node.target.join(' ')} (${node.any.map((check) => check.message).join(' ')})`)
  .join('; ');

async function look(where) {
  const findings = [...where.querySelectorAll('*')].filter(isCutOff)
    .map((element) => 'cut off: ' + element.outerHTML.slice(0, 100));
  if (typeof axe === 'object') {
    const found = await axe.run(where, { resultTypes: ['violations'] });
    findings.push(...found.violations.map(told));
  }
  return findings;
}

async function all() {
  const folded = document.querySelectorAll('details:not([open])');
  folded.forEach((part) => { part.open = true; });
  const findings = await look(document);
  if (document.documentElement.scrollWidth > innerWidth) findings.push('the page is wider than its window');
  folded.forEach((part) => { part.open = false; });
  // One that is open would be closed by another.
  const isAsking = document.querySelector(':popover-open');
  for (const question of isAsking ? [] : document.querySelectorAll('[popover]')) {
    const button = document.querySelector(`[popovertarget="${question.id}"]`);
    if (!button?.checkVisibility()) continue;
    question.showPopover();
    findings.push(...await look(question));
    question.hidePopover();
  }
  return findings;
}

all().then(done, (error) => done(['it could not be examined: ' + error]));
