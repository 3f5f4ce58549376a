#include "target/memory.h"

int spy_memory_read(struct spy_memory *memory, uint64_t address, void *buffer, size_t size,
		    struct pyspyc_error *err)
{
	struct spy_range range = { address, buffer, size };

	return spy_memory_readv(memory, &range, 1, err);
}

int spy_memory_read_word(struct spy_memory *memory, uint64_t address, uint64_t *ret,
			 struct pyspyc_error *err)
{
	return spy_memory_read(memory, address, ret, sizeof(*ret), err);
}

int spy_memory_read_int(struct spy_memory *memory, uint64_t address, int32_t *ret,
			struct pyspyc_error *err)
{
	return spy_memory_read(memory, address, ret, sizeof(*ret), err);
}

void spy_memory_close(struct spy_memory *memory)
{
	if (memory)
		memory->ops->destroy(memory);
}
