// SPDX-License-Identifier: Apache-2.0

// A stand-in for libnvidia-ml.so.1, for tests: it has the public functions that
// Tarsia calls and answers from a fact file, whose path is in the environment
// variable TARSIA_NVML_FACTS. Structures and numbers follow the library's public
// interface and are declared here by themselves; no text of NVIDIA's is used.
//
// A fact file has one fact a line, words parted by blanks. Facts before the first
// "gpu" are of the library, those after one are of that device. The file is read
// anew whenever devices are counted, so that a test can change a machine.
//
//   driver V · nvml V               versions
//   fail FUNCTION CODE              FUNCTION returns CODE, an nvmlReturn_t
//   hang FUNCTION · crash FUNCTION  FUNCTION never returns, or ends the process
//   pair A B ANCESTOR NVLINK PCI    of two devices
//   gpu                             the next device
//   name TEXT · uuid U · vbios V · gsp V
//   pci DOMAIN BUS DEVICE           hexadecimal
//   minor, module, numa, memory, persistence, clocks, replays, migmax N
//   replaystep N                    each read adds as much; 32 bits wrap
//   cpus LIST · nodes LIST          "0-3,8"
//   pcie GEN WIDTH MAXGEN MAXWIDTH GPUGEN
//   ecc NOW PENDING VC VU AC AU · remapped C U PENDING FAILED
//   field ID SCOPE TYPE VALUE STEP  a field value; SCOPE -1 is any
//   link N STATE VERSION REMOTE TYPE   REMOTE is a bus id or "-" for none
//   fabric NEWEST STATE CLIQUE MASK SUMMARY STATUS UUID   32 hexadecimal digits
//   mig NOW PENDING
//   gi ID PROFILE START SIZE NAME
//   ci GI ID PROFILE START SIZE NAME UUID
//   lost-after N                    after N calls every call is GPU_IS_LOST
//
// A fact that is not there is a call that answers NOT_SUPPORTED.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned int u32;
typedef unsigned long long u64;
typedef int ret;

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, NOT_FOUND = 6, SMALL = 7, DRIVER = 9, LOST = 15, VERSION = 25 };
enum { MAX_GPUS = 32, MAX_LINKS = 36, MAX_FIELDS = 128, MAX_INSTANCES = 16, MAX_RULES = 32, MAX_PAIRS = 512, TEXT = 96 };

struct link { int there, state, version, type; char remote[40]; };
struct field { u32 id, type; int scope; u64 value, step; };
struct instance { u32 owner, id, profile, start, size; char name[TEXT], uuid[TEXT]; struct gpu *gpu; };
struct rule { char function[TEXT]; int code, gpu; }; // code -1 hangs, -2 crashes
struct gpu {
	int index, calls, lost_after;
	char name[TEXT], uuid[TEXT], vbios[TEXT], gsp[TEXT], cpus[512], nodes[512];
	u32 domain, bus, device;
	long long minor, module, numa, memory, persistence, clocks, replays, replaystep, migmax;
	int has_pcie, has_ecc, has_remapped, has_fabric, has_mig;
	u32 pcie[5], remapped[4], mig[2], fabric[6];
	u64 ecc[6];
	unsigned char cluster[16];
	struct link links[MAX_LINKS];
	struct field fields[MAX_FIELDS];
	int field_count, gi_count, ci_count;
	struct instance gi[MAX_INSTANCES], ci[MAX_INSTANCES];
};

static struct gpu gpus[MAX_GPUS];
static struct rule rules[MAX_RULES];
static struct { int a, b, ancestor, nvlink, pci; } pairs[MAX_PAIRS];
static int gpu_count, rule_count, pair_count, started;
static char driver[TEXT], version[TEXT];

// Handles are structures of one pointer, passed by value, as in the library.
typedef struct { struct gpu *p; } device_t;
typedef struct { struct instance *p; } instance_t;

typedef struct { char legacy[16]; u32 domain, bus, device, pciDevice, subsystem; char bus_id[32]; } pci_t;
typedef struct { u64 total, free, used; } memory_t;
typedef struct { u32 version; u64 total, reserved, free, used; } memory2_t;
typedef union { double d; int i; u32 u; unsigned long l; u64 ll; long long sll; unsigned short s; } value_t;
typedef struct { u32 id, scope; long long time, latency; u32 type; ret result; value_t value; } field_t;
typedef struct { unsigned char cluster[16]; ret status; u32 clique; unsigned char state; } fabric1_t;
typedef struct { u32 version; unsigned char cluster[16]; ret status; u32 clique; unsigned char state; u32 mask; } fabric2_t;
typedef struct { u32 version; unsigned char cluster[16]; ret status; u32 clique; unsigned char state; u32 mask; unsigned char summary; } fabric3_t;
typedef struct { u32 start, size; } place_t;
typedef struct { device_t device; u32 id, profile; place_t place; } gi_info_t;
typedef struct { device_t device; instance_t gi; u32 id, profile; place_t place; } ci_info_t;
typedef struct { u32 version, id, p2p, slices, instances, processors, engines[5]; u64 memory_mb; char name[96]; } gi_profile2_t;
typedef struct { u32 id, p2p, slices, instances, processors, engines[5]; u64 memory_mb; } gi_profile_t;
typedef struct { u32 version, id, slices, instances, processors, shared[5]; char name[96]; } ci_profile2_t;

#define FORM(type, n) ((u32)sizeof(type) | (n) << 24)

static void copy(char *to, const char *from, size_t room)
{
	snprintf(to, room, "%s", from);
}

static void device_fact(struct gpu *g, char *key, char *rest)
{
	struct { const char *key; long long *into; } numbers[] = {
		{"minor", &g->minor}, {"module", &g->module}, {"numa", &g->numa}, {"memory", &g->memory},
		{"persistence", &g->persistence}, {"clocks", &g->clocks}, {"replays", &g->replays},
		{"replaystep", &g->replaystep}, {"migmax", &g->migmax},
	};
	struct { const char *key; char *into; size_t room; } texts[] = {
		{"name", g->name, TEXT}, {"uuid", g->uuid, TEXT}, {"vbios", g->vbios, TEXT}, {"gsp", g->gsp, TEXT},
		{"cpus", g->cpus, sizeof g->cpus}, {"nodes", g->nodes, sizeof g->nodes},
	};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!strcmp(key, numbers[i].key))
			*numbers[i].into = strtoll(rest, NULL, 0);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!strcmp(key, texts[i].key))
			copy(texts[i].into, rest, texts[i].room);
	if (!strcmp(key, "lost-after"))
		g->lost_after = atoi(rest);
	else if (!strcmp(key, "pci"))
		sscanf(rest, "%x %x %x", &g->domain, &g->bus, &g->device);
	else if (!strcmp(key, "pcie"))
		g->has_pcie = sscanf(rest, "%u %u %u %u %u", &g->pcie[0], &g->pcie[1], &g->pcie[2], &g->pcie[3], &g->pcie[4]) == 5;
	else if (!strcmp(key, "ecc"))
		g->has_ecc = sscanf(rest, "%llu %llu %llu %llu %llu %llu", &g->ecc[0], &g->ecc[1], &g->ecc[2], &g->ecc[3], &g->ecc[4], &g->ecc[5]) == 6;
	else if (!strcmp(key, "remapped"))
		g->has_remapped = sscanf(rest, "%u %u %u %u", &g->remapped[0], &g->remapped[1], &g->remapped[2], &g->remapped[3]) == 4;
	else if (!strcmp(key, "mig"))
		g->has_mig = sscanf(rest, "%u %u", &g->mig[0], &g->mig[1]) == 2;
	else if (!strcmp(key, "field") && g->field_count < MAX_FIELDS) {
		struct field *f = &g->fields[g->field_count++];
		sscanf(rest, "%u %d %u %llu %llu", &f->id, &f->scope, &f->type, &f->value, &f->step);
	} else if (!strcmp(key, "link")) {
		struct link l = {.there = 1};
		int n = -1;
		sscanf(rest, "%d %d %d %39s %d", &n, &l.state, &l.version, l.remote, &l.type);
		if (n >= 0 && n < MAX_LINKS)
			g->links[n] = l;
	} else if (!strcmp(key, "fabric")) {
		char uuid[40] = "";
		g->has_fabric = sscanf(rest, "%u %u %u %i %u %u %39s", &g->fabric[0], &g->fabric[1], &g->fabric[2], (int *)&g->fabric[3], &g->fabric[4], &g->fabric[5], uuid) == 7;
		for (int i = 0; i < 16; i++)
			sscanf(uuid + 2 * i, "%2hhx", &g->cluster[i]);
	} else if (!strcmp(key, "gi") && g->gi_count < MAX_INSTANCES) {
		struct instance *i = &g->gi[g->gi_count++];
		i->gpu = g;
		sscanf(rest, "%u %u %u %u %95s", &i->id, &i->profile, &i->start, &i->size, i->name);
	} else if (!strcmp(key, "ci") && g->ci_count < MAX_INSTANCES) {
		struct instance *i = &g->ci[g->ci_count++];
		i->gpu = g;
		sscanf(rest, "%u %u %u %u %u %95s %95s", &i->owner, &i->id, &i->profile, &i->start, &i->size, i->name, i->uuid);
	}
}

static void library_fact(char *key, char *rest, int gpu)
{
	if (!strcmp(key, "driver"))
		copy(driver, rest, TEXT);
	else if (!strcmp(key, "nvml"))
		copy(version, rest, TEXT);
	else if (!strcmp(key, "pair") && pair_count < MAX_PAIRS) {
		sscanf(rest, "%d %d %d %d %d", &pairs[pair_count].a, &pairs[pair_count].b, &pairs[pair_count].ancestor, &pairs[pair_count].nvlink, &pairs[pair_count].pci);
		pair_count++;
	} else if ((!strcmp(key, "fail") || !strcmp(key, "hang") || !strcmp(key, "crash")) && rule_count < MAX_RULES) {
		struct rule *r = &rules[rule_count++];
		r->code = *key == 'h' ? -1 : -2;
		r->gpu = gpu;
		sscanf(rest, "%95s %d", r->function, &r->code);
	}
}

// read_facts keeps what a device has been through: its calls.
static int read_facts(void)
{
	const char *path = getenv("TARSIA_NVML_FACTS");
	FILE *f = path ? fopen(path, "r") : NULL;
	char line[1024];
	int calls[MAX_GPUS];
	if (!f)
		return DRIVER;
	for (int i = 0; i < MAX_GPUS; i++)
		calls[i] = gpus[i].calls;
	memset(gpus, 0, sizeof gpus);
	gpu_count = rule_count = pair_count = 0;
	driver[0] = version[0] = 0;
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		char *key = line + strspn(line, " \t"), *rest = key + strcspn(key, " \t");
		if (*rest)
			*rest++ = 0;
		if (!strcmp(key, "gpu")) {
			if (gpu_count == MAX_GPUS)
				break;
			struct gpu *g = &gpus[gpu_count];
			g->index = gpu_count;
			g->calls = calls[gpu_count++];
			g->lost_after = -1;
			g->minor = g->module = g->numa = g->memory = g->persistence = g->clocks = g->replays = g->migmax = -1;
			continue;
		}
		library_fact(key, rest, gpu_count - 1);
		if (gpu_count > 0)
			device_fact(&gpus[gpu_count - 1], key, rest);
	}
	fclose(f);
	return OK;
}

// enter is what happens on the way into a function: what the facts plan for it,
// and the loss of the device.
static ret enter(const char *function, struct gpu *g)
{
	for (int i = 0; i < rule_count; i++) {
		if (strcmp(rules[i].function, function) || (rules[i].gpu >= 0 && (!g || rules[i].gpu != g->index)))
			continue;
		if (rules[i].code == -1)
			for (;;)
				pause();
		if (rules[i].code == -2)
			abort();
		return rules[i].code;
	}
	if (!started)
		return UNINITIALIZED;
	if (g && g->lost_after >= 0 && g->calls++ >= g->lost_after)
		return LOST;
	return OK;
}

#define ENTER(gpu) \
	do { \
		ret entered = enter(__func__, (gpu)); \
		if (entered) \
			return entered; \
	} while (0)

static ret give_text(const char *text, char *out, u32 room)
{
	if (!*text)
		return UNSUPPORTED;
	if (strlen(text) >= room)
		return SMALL;
	copy(out, text, room);
	return OK;
}

static ret give(long long value, u32 *out)
{
	if (value < 0)
		return UNSUPPORTED;
	*out = (u32)value;
	return OK;
}

// ---- library

ret nvmlInit_v2(void)
{
	ret r = read_facts();
	if (r)
		return r;
	started = 1;
	r = enter(__func__, NULL);
	if (r)
		started = 0;
	return r;
}
ret nvmlInit(void) { return nvmlInit_v2(); }
ret nvmlShutdown(void) { ENTER(NULL); started = 0; return OK; }
ret nvmlSystemGetDriverVersion(char *out, u32 room) { ENTER(NULL); return give_text(driver, out, room); }
ret nvmlSystemGetNVMLVersion(char *out, u32 room) { ENTER(NULL); return give_text(version, out, room); }
ret nvmlDeviceGetCount_v2(u32 *count)
{
	if (started)
		read_facts();
	ENTER(NULL);
	*count = (u32)gpu_count;
	return OK;
}
ret nvmlDeviceGetCount(u32 *count) { return nvmlDeviceGetCount_v2(count); }
const char *nvmlErrorString(ret r) { return r ? "an error" : "success"; }

// ---- one device

ret nvmlDeviceGetHandleByIndex_v2(u32 index, device_t *out)
{
	if (index >= (u32)gpu_count)
		return INVALID;
	ENTER(&gpus[index]);
	out->p = &gpus[index];
	return OK;
}
ret nvmlDeviceGetHandleByIndex(u32 index, device_t *out) { return nvmlDeviceGetHandleByIndex_v2(index, out); }

ret nvmlDeviceGetPciInfo_v3(device_t d, pci_t *out)
{
	ENTER(d.p);
	memset(out, 0, sizeof *out);
	snprintf(out->legacy, sizeof out->legacy, "%04X:%02X:%02X.0", d.p->domain & 0xffff, d.p->bus & 0xff, d.p->device & 0xff);
	snprintf(out->bus_id, sizeof out->bus_id, "%08X:%02X:%02X.0", d.p->domain, d.p->bus & 0xff, d.p->device & 0xff);
	out->domain = d.p->domain;
	out->bus = d.p->bus;
	out->device = d.p->device;
	return OK;
}
// The second form has four reserved words where the third has the bus id.
ret nvmlDeviceGetPciInfo_v2(device_t d, pci_t *out)
{
	pci_t whole;
	ENTER(d.p);
	ret r = nvmlDeviceGetPciInfo_v3(d, &whole);
	if (r)
		return r;
	memset(whole.bus_id, 0xa5, 16);
	memcpy(out, &whole, sizeof whole - 16);
	return OK;
}

ret nvmlDeviceGetName(device_t d, char *out, u32 room) { ENTER(d.p); return give_text(d.p->name, out, room); }
ret nvmlDeviceGetVbiosVersion(device_t d, char *out, u32 room) { ENTER(d.p); return give_text(d.p->vbios, out, room); }
ret nvmlDeviceGetGspFirmwareVersion(device_t d, char *out) { ENTER(d.p); return give_text(d.p->gsp, out, 64); }
ret nvmlDeviceGetMinorNumber(device_t d, u32 *out) { ENTER(d.p); return give(d.p->minor, out); }
ret nvmlDeviceGetModuleId(device_t d, u32 *out) { ENTER(d.p); return give(d.p->module, out); }
ret nvmlDeviceGetNumaNodeId(device_t d, u32 *out) { ENTER(d.p); return give(d.p->numa, out); }
ret nvmlDeviceGetPersistenceMode(device_t d, u32 *out) { ENTER(d.p); return give(d.p->persistence, out); }
ret nvmlDeviceGetMaxMigDeviceCount(device_t d, u32 *out) { ENTER(d.p); return give(d.p->migmax, out); }

ret nvmlDeviceGetMemoryInfo(device_t d, memory_t *out)
{
	ENTER(d.p);
	if (d.p->memory < 0)
		return UNSUPPORTED;
	*out = (memory_t){.total = (u64)d.p->memory, .free = (u64)d.p->memory};
	return OK;
}
ret nvmlDeviceGetMemoryInfo_v2(device_t d, memory2_t *out)
{
	ENTER(d.p);
	if (out->version != FORM(memory2_t, 2))
		return VERSION;
	if (d.p->memory < 0)
		return UNSUPPORTED;
	out->total = out->free = (u64)d.p->memory;
	out->reserved = out->used = 0;
	return OK;
}

static ret give_set(const char *list, u32 words, unsigned long *out)
{
	if (!*list)
		return UNSUPPORTED;
	memset(out, 0, words * sizeof *out);
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < words * 64UL; first++)
			out[first / 64] |= 1UL << first % 64;
		list = *end == ',' ? end + 1 : "";
	}
	return OK;
}
ret nvmlDeviceGetCpuAffinityWithinScope(device_t d, u32 words, unsigned long *out, u32 scope)
{
	ENTER(d.p);
	return scope > 1 ? INVALID : give_set(d.p->cpus, words, out);
}
ret nvmlDeviceGetCpuAffinity(device_t d, u32 words, unsigned long *out) { ENTER(d.p); return give_set(d.p->cpus, words, out); }
ret nvmlDeviceGetMemoryAffinity(device_t d, u32 words, unsigned long *out, u32 scope)
{
	ENTER(d.p);
	return scope > 1 ? INVALID : give_set(d.p->nodes, words, out);
}

#define PCIE(function, at) \
	ret function(device_t d, u32 *out) { ENTER(d.p); return give(d.p->has_pcie ? (long long)d.p->pcie[at] : -1, out); }
PCIE(nvmlDeviceGetCurrPcieLinkGeneration, 0)
PCIE(nvmlDeviceGetCurrPcieLinkWidth, 1)
PCIE(nvmlDeviceGetMaxPcieLinkGeneration, 2)
PCIE(nvmlDeviceGetMaxPcieLinkWidth, 3)
PCIE(nvmlDeviceGetGpuMaxPcieLinkGeneration, 4)

ret nvmlDeviceGetPcieReplayCounter(device_t d, u32 *out)
{
	ENTER(d.p);
	ret r = give(d.p->replays, out);
	if (!r)
		*out += (u32)d.p->replaystep; // what was added since the facts were read
	return r;
}

ret nvmlDeviceGetCurrentClocksEventReasons(device_t d, u64 *out)
{
	ENTER(d.p);
	if (d.p->clocks < 0)
		return UNSUPPORTED;
	*out = (u64)d.p->clocks;
	return OK;
}
ret nvmlDeviceGetCurrentClocksThrottleReasons(device_t d, u64 *out) { return nvmlDeviceGetCurrentClocksEventReasons(d, out); }

ret nvmlDeviceGetEccMode(device_t d, u32 *current, u32 *pending)
{
	ENTER(d.p);
	if (!d.p->has_ecc)
		return UNSUPPORTED;
	*current = (u32)d.p->ecc[0];
	*pending = (u32)d.p->ecc[1];
	return OK;
}
ret nvmlDeviceGetTotalEccErrors(device_t d, u32 type, u32 counter, u64 *out)
{
	ENTER(d.p);
	if (type > 1 || counter > 1)
		return INVALID;
	if (!d.p->has_ecc)
		return UNSUPPORTED;
	*out = d.p->ecc[2 + 2 * counter + type];
	return OK;
}
ret nvmlDeviceGetRemappedRows(device_t d, u32 *corrected, u32 *uncorrected, u32 *pending, u32 *failed)
{
	ENTER(d.p);
	if (!d.p->has_remapped)
		return UNSUPPORTED;
	*corrected = d.p->remapped[0];
	*uncorrected = d.p->remapped[1];
	*pending = d.p->remapped[2];
	*failed = d.p->remapped[3];
	return OK;
}

// ---- fields and links

static void give_field(struct gpu *g, field_t *v)
{
	memset(&v->value, 0xa5, sizeof v->value); // beyond the value's type nothing is set
	v->result = UNSUPPORTED;
	for (int i = 0; i < g->field_count; i++) {
		struct field *f = &g->fields[i];
		if (f->id != v->id || (f->scope >= 0 && (u32)f->scope != v->scope))
			continue;
		v->result = OK;
		v->type = f->type;
		switch (f->type) {
		case 0: v->value.d = (double)f->value; break;
		case 1: v->value.u = (u32)f->value; break;
		case 2: v->value.l = (unsigned long)f->value; break;
		case 3: v->value.ll = f->value; break;
		case 4: v->value.sll = (long long)f->value; break;
		case 5: v->value.i = (int)f->value; break;
		case 6: v->value.s = (unsigned short)f->value; break;
		}
		f->value += f->step;
		return;
	}
}
ret nvmlDeviceGetFieldValues(device_t d, int count, field_t *values)
{
	ENTER(d.p);
	for (int i = 0; i < count; i++)
		give_field(d.p, &values[i]);
	return OK;
}

static struct link *find_link(struct gpu *g, u32 n)
{
	return n < MAX_LINKS && g->links[n].there ? &g->links[n] : NULL;
}
ret nvmlDeviceGetNvLinkState(device_t d, u32 n, u32 *out)
{
	ENTER(d.p);
	struct link *l = find_link(d.p, n);
	return l ? give(l->state, out) : INVALID;
}
ret nvmlDeviceGetNvLinkVersion(device_t d, u32 n, u32 *out)
{
	ENTER(d.p);
	struct link *l = find_link(d.p, n);
	return l ? give(l->version, out) : INVALID;
}
ret nvmlDeviceGetNvLinkRemoteDeviceType(device_t d, u32 n, u32 *out)
{
	ENTER(d.p);
	struct link *l = find_link(d.p, n);
	return l ? give(l->type, out) : INVALID;
}
ret nvmlDeviceGetNvLinkRemotePciInfo_v2(device_t d, u32 n, pci_t *out)
{
	ENTER(d.p);
	struct link *l = find_link(d.p, n);
	if (!l)
		return INVALID;
	if (l->remote[0] == '-')
		return UNSUPPORTED;
	memset(out, 0, sizeof *out);
	copy(out->bus_id, l->remote, sizeof out->bus_id);
	sscanf(l->remote, "%x:%x:%x", &out->domain, &out->bus, &out->device);
	return OK;
}

ret nvmlDeviceGetGpuFabricInfo(device_t d, fabric1_t *out)
{
	ENTER(d.p);
	if (!d.p->has_fabric)
		return UNSUPPORTED;
	memcpy(out->cluster, d.p->cluster, 16);
	out->status = (ret)d.p->fabric[5];
	out->clique = d.p->fabric[2];
	out->state = (unsigned char)d.p->fabric[1];
	return OK;
}
ret nvmlDeviceGetGpuFabricInfoV(device_t d, fabric3_t *out)
{
	ENTER(d.p);
	u32 form = out->version >> 24;
	if (!d.p->has_fabric)
		return UNSUPPORTED;
	if (form > d.p->fabric[0] || (out->version != FORM(fabric3_t, 3) && out->version != FORM(fabric2_t, 2)))
		return VERSION;
	memcpy(out->cluster, d.p->cluster, 16);
	out->status = (ret)d.p->fabric[5];
	out->clique = d.p->fabric[2];
	out->state = (unsigned char)d.p->fabric[1];
	out->mask = d.p->fabric[3];
	if (form == 3)
		out->summary = (unsigned char)d.p->fabric[4];
	return OK;
}

// ---- two devices

static int find_pair(struct gpu *a, struct gpu *b)
{
	for (int i = 0; i < pair_count; i++)
		if ((pairs[i].a == a->index && pairs[i].b == b->index) || (pairs[i].a == b->index && pairs[i].b == a->index))
			return i;
	return -1;
}
ret nvmlDeviceGetTopologyCommonAncestor(device_t a, device_t b, u32 *out)
{
	ENTER(a.p);
	int i = find_pair(a.p, b.p);
	return i < 0 ? UNSUPPORTED : give(pairs[i].ancestor, out);
}
ret nvmlDeviceGetP2PStatus(device_t a, device_t b, u32 capability, u32 *out)
{
	ENTER(a.p);
	int i = find_pair(a.p, b.p);
	if (i < 0)
		return UNSUPPORTED;
	return capability == 2 ? give(pairs[i].nvlink, out) : capability == 4 ? give(pairs[i].pci, out) : INVALID;
}

// ---- MIG: a MIG device is a compute instance under a device's type

static struct instance *as_mig(struct gpu *p)
{
	return p >= gpus && p < gpus + MAX_GPUS && ((char *)p - (char *)gpus) % sizeof *gpus == 0 ? NULL : (struct instance *)(void *)p;
}
ret nvmlDeviceGetUUID(device_t d, char *out, u32 room)
{
	struct instance *m = as_mig(d.p);
	ENTER(m ? m->gpu : d.p);
	return give_text(m ? m->uuid : d.p->uuid, out, room);
}
ret nvmlDeviceGetMigMode(device_t d, u32 *current, u32 *pending)
{
	ENTER(d.p);
	if (!d.p->has_mig)
		return UNSUPPORTED;
	*current = d.p->mig[0];
	*pending = d.p->mig[1];
	return OK;
}
ret nvmlDeviceGetMigDeviceHandleByIndex(device_t d, u32 index, device_t *out)
{
	ENTER(d.p);
	if (index >= (u32)d.p->ci_count)
		return NOT_FOUND;
	out->p = (struct gpu *)(void *)&d.p->ci[index];
	return OK;
}
ret nvmlDeviceGetGpuInstanceId(device_t d, u32 *out)
{
	struct instance *m = as_mig(d.p);
	ENTER(m ? m->gpu : d.p);
	return m ? give(m->owner, out) : INVALID;
}
ret nvmlDeviceGetComputeInstanceId(device_t d, u32 *out)
{
	struct instance *m = as_mig(d.p);
	ENTER(m ? m->gpu : d.p);
	return m ? give(m->id, out) : INVALID;
}

// Profile N of this library has the id 100 + N for GPU instances, 200 + N for
// compute instances: numbers and ids differ in the real one too.
static struct instance *of_profile(struct instance *list, int count, u32 profile)
{
	for (int i = 0; i < count; i++)
		if (list[i].profile == profile)
			return &list[i];
	return NULL;
}
ret nvmlDeviceGetGpuInstanceProfileInfoV(device_t d, u32 profile, gi_profile2_t *out)
{
	ENTER(d.p);
	struct instance *i = of_profile(d.p->gi, d.p->gi_count, 100 + profile);
	if (out->version != FORM(gi_profile2_t, 2))
		return VERSION;
	if (!i)
		return UNSUPPORTED;
	*out = (gi_profile2_t){.version = out->version, .id = i->profile, .slices = i->size, .instances = 7};
	snprintf(out->name, sizeof out->name, "MIG %.90s", i->name);
	return OK;
}
ret nvmlDeviceGetGpuInstanceProfileInfo(device_t d, u32 profile, gi_profile_t *out)
{
	ENTER(d.p);
	struct instance *i = of_profile(d.p->gi, d.p->gi_count, 100 + profile);
	if (!i)
		return UNSUPPORTED;
	*out = (gi_profile_t){.id = i->profile, .slices = i->size, .instances = 7};
	return OK;
}
ret nvmlDeviceGetGpuInstances(device_t d, u32 profile, instance_t *out, u32 *count)
{
	ENTER(d.p);
	*count = 0;
	for (int i = 0; i < d.p->gi_count; i++)
		if (d.p->gi[i].profile == profile)
			out[(*count)++].p = &d.p->gi[i];
	return OK;
}
ret nvmlGpuInstanceGetInfo(instance_t i, gi_info_t *out)
{
	ENTER(i.p->gpu);
	*out = (gi_info_t){{i.p->gpu}, i.p->id, i.p->profile, {i.p->start, i.p->size}};
	return OK;
}
ret nvmlGpuInstanceGetComputeInstanceProfileInfoV(instance_t i, u32 profile, u32 engines, ci_profile2_t *out)
{
	struct gpu *g = i.p->gpu;
	ENTER(g);
	if (out->version != FORM(ci_profile2_t, 2))
		return VERSION;
	for (int n = 0; n < g->ci_count && !engines; n++)
		if (g->ci[n].owner == i.p->id && g->ci[n].profile == 200 + profile) {
			*out = (ci_profile2_t){.version = out->version, .id = g->ci[n].profile, .slices = g->ci[n].size, .instances = 7};
			snprintf(out->name, sizeof out->name, "MIG %.90s", g->ci[n].name);
			return OK;
		}
	return UNSUPPORTED;
}
ret nvmlGpuInstanceGetComputeInstances(instance_t i, u32 profile, instance_t *out, u32 *count)
{
	struct gpu *g = i.p->gpu;
	ENTER(g);
	*count = 0;
	for (int n = 0; n < g->ci_count; n++)
		if (g->ci[n].owner == i.p->id && g->ci[n].profile == profile)
			out[(*count)++].p = &g->ci[n];
	return OK;
}
ret nvmlComputeInstanceGetInfo_v2(instance_t c, ci_info_t *out)
{
	ENTER(c.p->gpu);
	*out = (ci_info_t){{c.p->gpu}, {NULL}, c.p->id, c.p->profile, {c.p->start, c.p->size}};
	for (int n = 0; n < c.p->gpu->gi_count; n++)
		if (c.p->gpu->gi[n].id == c.p->owner)
			out->gi.p = &c.p->gpu->gi[n];
	return OK;
}
