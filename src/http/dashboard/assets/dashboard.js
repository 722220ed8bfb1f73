// The dashboard's scripts. Every page works without them; they add what a page cannot do by itself:
// live updates, filters that need no button, keys.
import { watch } from "./live.js";
import { listen } from "./keys.js";
import { submitOnChange } from "./filters.js";
import { offerCopies } from "./copy.js";

watch();
listen();
submitOnChange();
offerCopies();
