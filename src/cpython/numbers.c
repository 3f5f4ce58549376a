#include <string.h>

#include "base/error.h"
#include "cpython/head.h"

/*
 * Bits in a digit of a 64-bit build (Include/longintrepr.h). Builds with digits of 15 bits
 * exist (--enable-big-digits=15), but nobody ships one.
 */
#define DIGIT_BITS 30

/* Digits of the largest number below 2**64. */
#define DIGITS_LIMIT 3

/* lv_tag from 3.12 (Include/cpython/longintrepr.h): bits 0-1 are the sign, 2 is a flag. */
#define TAG_SIGN 3
#define TAG_NEGATIVE 2
#define TAG_SHIFT 3

/* A number as sign and magnitude. */
struct number {
	bool negative;
	uint64_t magnitude;
};

static int too_large(uint64_t object, struct pyspyc_error *err)
{
	return spy_fail(err, PYSPYC_ECORRUPT,
			"the int at address 0x%llx of the target is out of range",
			(unsigned long long)object);
}

/* PyIntObject of 2.7 is a C long behind the object's head. */
static struct number small_int(const struct spy_heap *heap, const struct spy_head *head)
{
	int64_t value = (int64_t)spy_head_word(head, heap->layout->object_size);

	return (struct number){ value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value };
}

static int read_digits(const struct spy_head *head, size_t offset, uint64_t count,
		       struct number *ret, struct pyspyc_error *err)
{
	uint32_t digit;

	if (count > DIGITS_LIMIT)
		return too_large(head->address, err);
	ret->magnitude = 0;
	while (count-- > 0) {
		digit = (uint32_t)spy_head_int(head, offset + count * sizeof(digit));
		if (digit >> DIGIT_BITS)
			return spy_corrupt(err, "int", head->address);
		if (ret->magnitude >> (64 - DIGIT_BITS))
			return too_large(head->address, err);
		ret->magnitude = ret->magnitude << DIGIT_BITS | digit;
	}
	return 0;
}

static int read_number(const struct spy_heap *heap, uint64_t object, struct number *ret,
		       struct pyspyc_error *err)
{
	uint64_t flags, size, wanted = SPY_TYPE_LONG | SPY_TYPE_INT;
	uint32_t digits = heap->layout->long_digits;
	struct spy_head head;
	int result;

	if (heap->version.major >= 3)
		wanted = SPY_TYPE_LONG;
	result = spy_object_read(heap, object, wanted, "int", &head, &flags, err);
	if (result < 0)
		return result;
	if (heap->version.major < 3 && flags & SPY_TYPE_INT) {
		*ret = small_int(heap, &head);
		return 0;
	}
	size = spy_head_word(&head, (size_t)digits - 8);
	if (spy_version_minor(&heap->version) >= 0x030c) {
		ret->negative = (size & TAG_SIGN) == TAG_NEGATIVE;
		size >>= TAG_SHIFT;
	} else {
		ret->negative = size >> 63;
		size = ret->negative ? 0 - size : size;
	}
	return read_digits(&head, digits, size, ret, err);
}

int spy_long_read(const struct spy_heap *heap, uint64_t object, int64_t *ret,
		  struct pyspyc_error *err)
{
	struct number number;
	int result;

	result = read_number(heap, object, &number, err);
	if (result < 0)
		return result;
	if (number.magnitude > (uint64_t)INT64_MAX + number.negative)
		return too_large(object, err);
	*ret = (int64_t)(number.negative ? 0 - number.magnitude : number.magnitude);
	return 0;
}

int spy_ulong_read(const struct spy_heap *heap, uint64_t object, uint64_t *ret,
		   struct pyspyc_error *err)
{
	struct number number;
	int result;

	result = read_number(heap, object, &number, err);
	if (result < 0)
		return result;
	if (number.negative && number.magnitude)
		return too_large(object, err);
	*ret = number.magnitude;
	return 0;
}
