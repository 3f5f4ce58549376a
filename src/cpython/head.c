#include "cpython/head.h"

#include "base/error.h"

/* The smallest page of any architecture here: what begins readable is so up to its end. */
#define PAGE 4096

int spy_corrupt(struct pyspyc_error *err, const char *what, uint64_t address)
{
	return spy_fail(err, PYSPYC_ECORRUPT, "no sane %s at address 0x%llx of the target", what,
			(unsigned long long)address);
}

int spy_head_read(const struct spy_heap *heap, uint64_t address, struct spy_head *ret,
		  struct pyspyc_error *err)
{
	size_t rest = PAGE - address % PAGE;
	int result;

	ret->address = address;
	ret->size = SPY_HEAD_SIZE;
	result = spy_memory_read(heap->memory, address, ret->bytes, ret->size, err);
	if (result != -PYSPYC_EFAULT || rest >= SPY_HEAD_SIZE)
		return result;
	ret->size = rest;
	return spy_memory_read(heap->memory, address, ret->bytes, ret->size, err);
}

int spy_object_read(const struct spy_heap *heap, uint64_t object, uint64_t wanted, const char *what,
		    struct spy_head *ret, uint64_t *flags, struct pyspyc_error *err)
{
	const struct spy_layout *layout = heap->layout;
	uint64_t type, bits = 0;
	int result;

	if (!object)
		return spy_corrupt(err, what, object);
	result = spy_head_read(heap, object, ret, err);
	if (result < 0)
		return result;
	type = spy_head_word(ret, layout->object_type);
	if (!type)
		return spy_corrupt(err, what, object);
	if (wanted || flags) {
		result = spy_memory_read_word(heap->memory, type + layout->type_flags, &bits, err);
		if (result < 0)
			return result;
	}
	if (wanted && !(bits & wanted))
		return spy_corrupt(err, what, object);
	if (flags)
		*flags = bits;
	return 0;
}
