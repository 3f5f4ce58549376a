/* The dynamic section of an image in memory: symbols by hash, needed libraries. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "elf/image.h"

/* Entries of PT_DYNAMIC read at most; libraries have about thirty. */
#define ENTRIES_LIMIT 4096
/* A symbol's name that is looked up is no longer than this. */
#define NAME_LIMIT 256
/* Buckets, Bloom filter words and chain lengths of a hash table at most. */
#define HASH_LIMIT (1u << 24)
#define CHAIN_LIMIT 65536
/* Hashes of a chain read at once. */
#define CHAIN_CHUNK 32

static int nonsense(const struct spy_image *image, const char *what, struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_ECORRUPT, "the ELF image at %#llx: %s makes no sense",
			(unsigned long long)image->base, what);
}

static int read_entries(const struct spy_image *image, Elf64_Dyn **ret, size_t *count,
			struct pyspyc_error *err)
{
	size_t entries = image->dynamic_size / sizeof(Elf64_Dyn);
	spy_autofree Elf64_Dyn *items = NULL;
	int r;

	if (entries > ENTRIES_LIMIT)
		entries = ENTRIES_LIMIT;
	items = calloc(entries + 1, sizeof(*items));
	if (!items)
		return spy_nomem(err);
	if (entries) {
		r = spy_memory_read(image->memory, image->dynamic_address, items,
				    entries * sizeof(*items), err);
		if (r < 0)
			return r;
	}
	for (*count = 0; *count < entries && items[*count].d_tag != DT_NULL;)
		++*count;
	*ret = spy_steal(items);
	return 0;
}

/*
 * glibc's loader adds the bias to the pointers in the section it maps, musl's leaves them,
 * and before the loader has run they are as in the file: whichever lies in the image.
 */
static uint64_t place(const struct spy_image *image, uint64_t value)
{
	if (value >= image->start && value < image->end)
		return value;
	value += image->bias;
	return value >= image->start && value < image->end ? value : 0;
}

static int read_dynamic(struct spy_image *image, struct pyspyc_error *err)
{
	struct spy_dynamic *dynamic = &image->dynamic;
	spy_autofree Elf64_Dyn *items = NULL;
	size_t count, i;
	int r;

	if (dynamic->read)
		return 0;
	r = read_entries(image, &items, &count, err);
	if (r < 0)
		return r;
	for (i = 0; i < count; i++) {
		switch (items[i].d_tag) {
		case DT_SYMTAB:
			dynamic->symbols = place(image, items[i].d_un.d_ptr);
			break;
		case DT_STRTAB:
			dynamic->strings = place(image, items[i].d_un.d_ptr);
			break;
		case DT_STRSZ:
			dynamic->strings_size = items[i].d_un.d_val;
			break;
		case DT_GNU_HASH:
			dynamic->gnu_hash = place(image, items[i].d_un.d_ptr);
			break;
		case DT_HASH:
			dynamic->hash = place(image, items[i].d_un.d_ptr);
			break;
		default:
			break;
		}
	}
	if (dynamic->strings && dynamic->strings_size > image->end - dynamic->strings)
		dynamic->strings_size = image->end - dynamic->strings;
	dynamic->read = true;
	return 0;
}

/* Reads symbol number index; *match tells whether it is a definition of name. */
static int check_symbol(const struct spy_image *image, uint64_t index, const char *name,
			struct spy_symbol *ret, bool *match, struct pyspyc_error *err)
{
	char found[NAME_LIMIT];
	size_t size = strlen(name) + 1;
	uint64_t place_of = image->dynamic.symbols + index * sizeof(Elf64_Sym);
	Elf64_Sym symbol;
	unsigned type;
	int r;

	*match = false;
	if (place_of > image->end - sizeof(symbol))
		return nonsense(image, "a symbol's number", err);
	r = spy_memory_read(image->memory, place_of, &symbol, sizeof(symbol), err);
	if (r < 0)
		return r;
	type = ELF64_ST_TYPE(symbol.st_info);
	if (symbol.st_shndx == SHN_UNDEF || type == STT_TLS || type == STT_GNU_IFUNC ||
	    symbol.st_name > image->dynamic.strings_size ||
	    size > image->dynamic.strings_size - symbol.st_name)
		return 0;
	r = spy_memory_read(image->memory, image->dynamic.strings + symbol.st_name, found, size,
			    err);
	if (r < 0 || memcmp(found, name, size) != 0)
		return r;
	ret->address = symbol.st_value + image->bias;
	ret->size = symbol.st_size;
	*match = ret->address >= image->start && ret->address < image->end;
	if (!*match)
		*ret = (struct spy_symbol){ 0 };
	return 0;
}

struct gnu_hash {
	uint32_t buckets;
	uint32_t first; /* the first symbol in the table */
	uint32_t bloom_words;
	uint32_t bloom_shift;
};

/* The first symbol of the bucket of hash, 0 when the table says that there is none. */
static int gnu_bucket(const struct spy_image *image, const struct gnu_hash *table, uint32_t hash,
		      uint32_t *ret, struct pyspyc_error *err)
{
	uint64_t bloom = image->dynamic.gnu_hash + sizeof(*table), filter;
	uint64_t bucket = bloom + (uint64_t)table->bloom_words * 8 + hash % table->buckets * 4ull;
	uint32_t index = 0;
	struct spy_range ranges[] = {
		{ bloom + hash / 64 % table->bloom_words * 8, &filter, sizeof(filter) },
		{ bucket, &index, sizeof(index) },
	};
	int r = spy_memory_readv(image->memory, ranges, 2, err);

	if (r < 0)
		return r;
	if (!(filter >> hash % 64 & 1) || !(filter >> (hash >> table->bloom_shift) % 64 & 1))
		index = 0;
	*ret = index;
	return 0;
}

/* As gnu_bucket gives 0 for no entry, so does the last hash of a chain have its low bit set. */
static int gnu_chain(const struct spy_image *image, const struct gnu_hash *table, uint32_t index,
		     uint32_t hash, const char *name, struct spy_symbol *ret,
		     struct pyspyc_error *err)
{
	uint64_t chain = image->dynamic.gnu_hash + sizeof(*table) +
			 (uint64_t)table->bloom_words * 8 + (uint64_t)table->buckets * 4;
	uint32_t hashes[CHAIN_CHUNK], done, i, count = CHAIN_CHUNK;
	bool match;
	int r;

	for (done = 0; done < CHAIN_LIMIT; done += count) {
		uint64_t from = chain + ((uint64_t)index - table->first + done) * 4;

		if (from > image->end - 4)
			return nonsense(image, "a hash chain", err);
		if (count > (image->end - from) / 4)
			count = (uint32_t)((image->end - from) / 4);
		r = spy_memory_read(image->memory, from, hashes, count * 4, err);
		for (i = 0; r == 0 && i < count; i++) {
			if ((hashes[i] | 1) == (hash | 1)) {
				r = check_symbol(image, (uint64_t)index + done + i, name, ret,
						 &match, err);
				if (r < 0 || match)
					return r;
			}
			if (hashes[i] & 1)
				return 0;
		}
		if (r < 0)
			return r;
	}
	return nonsense(image, "a hash chain without end", err);
}

static int find_gnu(const struct spy_image *image, const char *name, struct spy_symbol *ret,
		    struct pyspyc_error *err)
{
	struct gnu_hash table;
	uint32_t hash = 5381, index;
	const unsigned char *byte;
	int r;

	r = spy_memory_read(image->memory, image->dynamic.gnu_hash, &table, sizeof(table), err);
	if (r < 0)
		return r;
	if (!table.buckets || table.buckets > HASH_LIMIT || !table.bloom_words ||
	    table.bloom_words > HASH_LIMIT || table.bloom_shift > 31)
		return nonsense(image, "the GNU hash table", err);
	for (byte = (const unsigned char *)name; *byte; byte++)
		hash = hash * 33 + *byte;
	r = gnu_bucket(image, &table, hash, &index, err);
	if (r < 0 || !index)
		return r;
	if (index < table.first)
		return nonsense(image, "the GNU hash table", err);
	return gnu_chain(image, &table, index, hash, name, ret, err);
}

/* The System V table: nbucket, nchain, the buckets, then one link per symbol. */
static int find_sysv(const struct spy_image *image, const char *name, struct spy_symbol *ret,
		     struct pyspyc_error *err)
{
	uint32_t head[2], hash = 0, index, step;
	const unsigned char *byte;
	uint64_t buckets = image->dynamic.hash + sizeof(head), links;
	bool match;
	int r;

	r = spy_memory_read(image->memory, image->dynamic.hash, head, sizeof(head), err);
	if (r < 0)
		return r;
	if (!head[0] || head[0] > HASH_LIMIT || head[1] > HASH_LIMIT)
		return nonsense(image, "the hash table", err);
	for (byte = (const unsigned char *)name; *byte; byte++) {
		hash = (hash << 4) + *byte;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	links = buckets + head[0] * 4ull;
	r = spy_memory_read(image->memory, buckets + hash % head[0] * 4ull, &index, 4, err);
	for (step = 0; r == 0 && index && step < CHAIN_LIMIT; step++) {
		if (index >= head[1])
			return nonsense(image, "the hash table", err);
		r = check_symbol(image, index, name, ret, &match, err);
		if (r < 0 || match)
			return r;
		r = spy_memory_read(image->memory, links + index * 4ull, &index, 4, err);
	}
	return r;
}

int spy_image_symbol(struct spy_image *image, const char *name, struct spy_symbol *ret,
		     struct pyspyc_error *err)
{
	int r;

	*ret = (struct spy_symbol){ 0 };
	if (strlen(name) >= NAME_LIMIT)
		return spy_fail(err, PYSPYC_EINVAL, "a symbol's name is too long");
	r = read_dynamic(image, err);
	if (r < 0 || !image->dynamic.symbols || !image->dynamic.strings)
		return r;
	if (image->dynamic.gnu_hash)
		return find_gnu(image, name, ret, err);
	return image->dynamic.hash ? find_sysv(image, name, ret, err) : 0;
}

bool spy_image_needs(struct spy_image *image, const char *prefix, char *ret, size_t size)
{
	spy_autofree Elf64_Dyn *items = NULL;
	size_t count, i;

	if (read_dynamic(image, NULL) < 0 || !image->dynamic.strings ||
	    read_entries(image, &items, &count, NULL) < 0)
		return false;
	for (i = 0; i < count; i++) {
		uint64_t offset = items[i].d_un.d_val, left;

		if (items[i].d_tag != DT_NEEDED || offset >= image->dynamic.strings_size)
			continue;
		left = image->dynamic.strings_size - offset;
		if (left > size - 1)
			left = size - 1;
		memset(ret, 0, size);
		if (spy_memory_read(image->memory, image->dynamic.strings + offset, ret, left,
				    NULL) == 0 &&
		    strncmp(ret, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}
