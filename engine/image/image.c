/* Pictures of any type on their way to and from the numbers that are computed with. */
#include "image/image.h"
#include "core/dtype.h"

tch_status tch_image_work(tch_tensor *image, const char *op, tch_tensor **out) {
  char text[TCH_SHAPE_TEXT];
  if ((image->ndim != 2 && image->ndim != 3) || !image->count || (image->type != TCH_BYTE && !tch_dtype_floating(image->type)))
    return tch_fail(TCH_ERROR_SHAPE, "%s: a picture is a Byte-, Float- or DoubleTensor of HxW or CxHxW, not a %sTensor of %s",
                    op, tch_dtype_name(image->type), tch_shape_text(image, text));
  if (image->type != TCH_BYTE) return tch_tensor_contiguous_of(image, out);
  tch_tensor *work = NULL;
  TCH_TRY(tch_tensor_new(TCH_FLOAT, image->ndim, image->size, &work));
  tch_status status = tch_tensor_copy(work, image);
  if (status != TCH_OK) tch_tensor_release(work);
  else *out = work;
  return status;
}

tch_status tch_image_result(tch_tensor *work, const tch_tensor *like, tch_tensor **out) {
  if (like->type == work->type) {
    *out = work;
    return TCH_OK;
  }
  tch_tensor *bytes = NULL;
  tch_status status = tch_tensor_new(TCH_BYTE, work->ndim, work->size, &bytes);
  if (status == TCH_OK) {
    const float *from = TCH_DATA(float, work);
    uint8_t *to = TCH_DATA(uint8_t, bytes);
    for (int64_t i = 0; i < work->count; i++) {
      double v = from[i] + .5;
      to[i] = (uint8_t) (v >= 255 ? 255 : v > 0 ? v : 0); /* not a number: 0 */
    }
    *out = bytes;
  }
  tch_tensor_release(work);
  return status;
}
