#include "cpython/frames.h"

#include "base/bytes.h"

static size_t reach(size_t extent, uint32_t offset, size_t size)
{
	return offset != SPY_NO_FIELD && offset + size > extent ? offset + size : extent;
}

size_t spy_frame_extent(const struct spy_layout *layout)
{
	size_t extent = 0;

	extent = reach(extent, layout->frame_back, 8);
	extent = reach(extent, layout->frame_code, 8);
	extent = reach(extent, layout->frame_lasti, 4);
	extent = reach(extent, layout->frame_gen, 8);
	extent = reach(extent, layout->frame_instr_ptr, 8);
	extent = reach(extent, layout->frame_owner, 1);
	extent = reach(extent, layout->frame_tlbc_index, 4);
	return (extent + 7) & ~(size_t)7;
}

void spy_frame_decode(const struct spy_layout *layout, uint64_t address, const uint8_t *bytes,
		      struct spy_raw_frame *ret)
{
	*ret = (struct spy_raw_frame){
		.address = address,
		.back = spy_word_at(bytes, layout->frame_back),
		/* From 3.14 references carry tags in their lowest bits. */
		.code = spy_word_at(bytes, layout->frame_code) & ~UINT64_C(7),
	};
	if (layout->frames == SPY_FRAME_OBJECTS) {
		ret->instr = (uint64_t)(int64_t)spy_int_at(bytes, layout->frame_lasti);
		if (layout->frame_gen != SPY_NO_FIELD && spy_word_at(bytes, layout->frame_gen))
			ret->owner = SPY_OWNED_BY_GENERATOR;
		return;
	}
	ret->instr = spy_word_at(bytes, layout->frame_instr_ptr);
	ret->owner = bytes[layout->frame_owner];
	if (layout->frame_tlbc_index != SPY_NO_FIELD)
		ret->tlbc = spy_int_at(bytes, layout->frame_tlbc_index);
}

size_t spy_frame_steady(const struct spy_layout *layout)
{
	return layout->frames == SPY_FRAME_OBJECTS ? layout->object_size : 0;
}
